/** CORS with @fastify/cors: lets pages from allowed origins read responses. */
import fastifyCors, { type FastifyCorsOptions } from '@fastify/cors';
import type { FastifyRequest } from 'fastify';
import type { ServerApp } from '../fastify-types.ts';
import { RESPONSE_HEADERS } from '../response-headers.ts';

/** Credentials are never allowed, because keys are not cookies. */
const OPTIONS: FastifyCorsOptions = {
  methods: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'],
  // request headers that browsers do not send by themselves
  allowedHeaders: [
    ...['Accept', 'Authorization', 'Content-Encoding', 'Content-Type'],
    ...['Idempotency-Key', 'If-Match', 'If-None-Match', 'X-Request-Id'],
  ],
  exposedHeaders: Object.keys(RESPONSE_HEADERS),
  // seconds for which a browser may cache the result of a preflight
  maxAge: 600,
};

/**
 * Allows the origins that `browser-guard.ts` accepts, each `scheme://host[:port]`. Preflights are handled before keys
 * are checked, because they never have a key. No route supports any other `OPTIONS` request.
 */
export async function allowOrigins(app: ServerApp, corsOrigins: readonly string[]): Promise<void> {
  const origins = new Set<string | undefined>(corsOrigins);
  await app.register(fastifyCors, {
    delegator: (request: FastifyRequest, done: (error: null, options: FastifyCorsOptions) => void) => {
      const { origin, 'access-control-request-method': asked } = request.raw.headers;
      done(null, { ...OPTIONS, origin: origins.has(origin), preflight: asked !== undefined });
    },
  });
  varyByOrigin(app);
}

/** Runs after the routes, because the `Vary` header of a route replaces the one from @fastify/cors. */
function varyByOrigin(app: ServerApp): void {
  app.addHook('onSend', (_request, reply, payload, done) => {
    const vary = String(reply.getHeader('vary') ?? '');
    if (!/\borigin\b/i.test(vary)) reply.header('vary', vary === '' ? 'Origin' : `${vary}, Origin`);
    done(null, payload);
  });
}
