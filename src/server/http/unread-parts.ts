/**
 * Parts of a request that its route does not read: a schema refuses unknown fields; for a route without one, they are
 * refused here.
 */
import type { FastifyRequest } from 'fastify';
import { AppError } from '../../lib/errors.ts';
import type { ServerApp } from './fastify-types.ts';
import { UNKNOWN_FIELD } from './validation.ts';

/**
 * Refuses (`invalid_request`) query parameters and bodies for which a `/v1` route has no schema; health and document
 * routes ignore them.
 */
export function refuseUnreadParts(app: ServerApp): void {
  app.addHook('preValidation', (request, _reply, done) => {
    const { url, schema } = request.routeOptions;
    if (url?.startsWith('/v1/') !== true) return done();
    if (schema?.querystring === undefined) refuseQuery(request.query as object);
    if (schema?.body === undefined && hasBody(request)) throw new AppError('invalid_request', 'no body is expected');
    done();
  });
}

function refuseQuery(query: object): void {
  const details = Object.entries(query).map(([pointer, value]) => ({ pointer, value, message: UNKNOWN_FIELD }));
  if (details.length === 0) return;
  throw new AppError('invalid_request', `the query is not valid: ${details[0]!.pointer}: ${UNKNOWN_FIELD}`, {
    details,
  });
}

/**
 * An empty body counts as none, whatever its type, and so does an empty object. GET bodies are never parsed: their
 * headers decide.
 */
function hasBody({ body, headers, method }: FastifyRequest): boolean {
  if (isEmptyObject(body)) return false;
  if (body !== undefined && body !== '') return true;
  if (Number(headers['content-length'] ?? 0) > 0) return true;
  return headers['transfer-encoding'] !== undefined && (method === 'GET' || method === 'HEAD');
}

function isEmptyObject(body: unknown): boolean {
  return typeof body === 'object' && body !== null && !Array.isArray(body) && Object.keys(body).length === 0;
}
