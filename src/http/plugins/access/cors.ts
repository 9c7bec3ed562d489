/** CORS, by @fastify/cors: lets pages of the origins that the operator names read answers. */
import fastifyCors, { type FastifyCorsOptions } from '@fastify/cors';
import type { FastifyRequest } from 'fastify';
import type { ServerApp } from '../fastify-types.ts';
import { RESPONSE_HEADERS } from '../response-headers.ts';

/** Credentials are never allowed: keys are no cookies. */
const OPTIONS: FastifyCorsOptions = {
  methods: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'],
  // request headers beyond those that browsers send of their own
  allowedHeaders: [
    ...['Accept', 'Authorization', 'Content-Encoding', 'Content-Type'],
    ...['Idempotency-Key', 'If-Match', 'If-None-Match', 'X-Request-Id'],
  ],
  exposedHeaders: Object.keys(RESPONSE_HEADERS),
  // seconds for which a browser need not ask again
  maxAge: 600,
};

/**
 * For origins as `http/browser-guard.ts` lets in, each `scheme://host[:port]`. Preflights are answered here, before a
 * key is asked for, which they never have; any other `OPTIONS` is a method that no route has.
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

/** After the routes, whose own `Vary` replaces that of the package. */
function varyByOrigin(app: ServerApp): void {
  app.addHook('onSend', (_request, reply, payload, done) => {
    const vary = String(reply.getHeader('vary') ?? '');
    if (!/\borigin\b/i.test(vary)) reply.header('vary', vary === '' ? 'Origin' : `${vary}, Origin`);
    done(null, payload);
  });
}
