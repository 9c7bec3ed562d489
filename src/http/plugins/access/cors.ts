/** CORS, by @fastify/cors: lets pages from the origins that the operator names read responses. */
import fastifyCors, { type FastifyCorsOptions } from '@fastify/cors';
import type { FastifyRequest } from 'fastify';
import type { ServerApp } from '../fastify-types.ts';
import { RESPONSE_HEADERS } from '../response-headers.ts';

/** Credentials are never allowed: keys are not cookies. */
const OPTIONS: FastifyCorsOptions = {
  methods: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'],
  // request headers beyond those that browsers send by themselves
  allowedHeaders: [
    ...['Accept', 'Authorization', 'Content-Encoding', 'Content-Type'],
    ...['Idempotency-Key', 'If-Match', 'If-None-Match', 'X-Request-Id'],
  ],
  exposedHeaders: Object.keys(RESPONSE_HEADERS),
  // seconds for which a browser may cache the result of a preflight
  maxAge: 600,
};

/**
 * Allows the origins that `browser-guard.ts` accepts, each `scheme://host[:port]`. Preflights are handled here, before
 * the key is checked, because they never have one; any other `OPTIONS` is a method that no route supports.
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

/** Runs after the routes, whose own `Vary` replaces that of the package. */
function varyByOrigin(app: ServerApp): void {
  app.addHook('onSend', (_request, reply, payload, done) => {
    const vary = String(reply.getHeader('vary') ?? '');
    if (!/\borigin\b/i.test(vary)) reply.header('vary', vary === '' ? 'Origin' : `${vary}, Origin`);
    done(null, payload);
  });
}
