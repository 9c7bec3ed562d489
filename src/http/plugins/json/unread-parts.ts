/**
 * Refuses parts of a request that the route does not read. If a route has a schema for a part, the schema refuses
 * unknown fields instead.
 */
import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyRequest, preValidationHookHandler, RouteOptions } from 'fastify';
import type { z } from 'zod';
import { AppError } from '../../../lib/errors.ts';
import type { ServerApp } from '../fastify-types.ts';
import { takesIfMatch } from '../preconditions.ts';
import { isApi } from '../route.ts';
import { UNKNOWN_FIELD, validatorCompiler } from './validation.ts';

/**
 * Refuses (`invalid_request`) query parameters and bodies for which a `/v1` route has no schema, and preconditions that
 * the route does not check. Health and document routes ignore all of these.
 */
export function refuseUnreadParts(app: ServerApp): void {
  app.addHook('onRoute', (route) => {
    if (!isApi(route.url)) return;
    const takesQuery = route.schema?.querystring !== undefined;
    const takesBody = route.schema?.body !== undefined;
    const preconditions = uncheckedPreconditions(route);
    const findQueryFault = takesBody && takesQuery ? queryCheck(route) : null;
    const refuse: preValidationHookHandler = (request, _reply, done) => {
      refusePreconditions(request.raw.headers, preconditions);
      if (!takesQuery) refuseQuery(request.query as object);
      // Fastify validates the body first, but how to read the body depends on the query
      const fault = findQueryFault?.(request.query);
      if (fault) throw fault;
      if (!takesBody && hasBody(request)) throw new AppError('invalid_request', 'no body is expected');
      done();
    };
    route.preValidation = [refuse, route.preValidation ?? []].flat();
  });
}

/** Returns a check of the route's query, which returns an error if the query violates its schema. */
function queryCheck({ method, url, schema }: RouteOptions): (query: unknown) => Error | undefined {
  const querystring = schema!.querystring as z.ZodType;
  const check = validatorCompiler({ schema: querystring, method: String(method), url, httpPart: 'querystring' });
  return (query) => (check(query) as { readonly error?: Error }).error;
}

/**
 * Refuses a precondition that the route does not check, because the caller expects no change unless the precondition is
 * met.
 */
function uncheckedPreconditions({ method, schema }: RouteOptions): readonly string[] {
  const isRead = [method].flat().every((name) => name === 'GET' || name === 'HEAD');
  const unchecked = isRead ? [] : ['if-none-match', 'if-unmodified-since'];
  return takesIfMatch(schema?.headers) ? unchecked : ['if-match', ...unchecked];
}

function refusePreconditions(headers: IncomingHttpHeaders, unchecked: readonly string[]): void {
  for (const name of unchecked) {
    if (headers[name] === undefined) continue;
    const message = 'this route does not support preconditions: nothing was done';
    throw new AppError('invalid_request', `a header is not valid: ${name}: ${message}`, {
      details: [{ pointer: name, value: headers[name], message }],
    });
  }
}

function refuseQuery(query: object): void {
  if (Object.keys(query).length === 0) return;
  const details = Object.entries(query).map(([pointer, value]) => ({ pointer, value, message: UNKNOWN_FIELD }));
  throw new AppError('invalid_request', `the query is not valid: ${details[0]!.pointer}: ${UNKNOWN_FIELD}`, {
    details,
  });
}

/**
 * Whether a request has a body. Empty bodies and empty objects do not count. Bodies of GET requests are never parsed,
 * so their headers decide.
 */
function hasBody({ body, headers, method }: FastifyRequest): boolean {
  if (body === undefined && headers['content-length'] === undefined && headers['transfer-encoding'] === undefined)
    return false;
  if (isEmptyObject(body)) return false;
  if (body !== undefined && body !== '') return true;
  if (Number(headers['content-length'] ?? 0) > 0) return true;
  return headers['transfer-encoding'] !== undefined && (method === 'GET' || method === 'HEAD');
}

function isEmptyObject(body: unknown): boolean {
  return typeof body === 'object' && body !== null && !Array.isArray(body) && Object.keys(body).length === 0;
}
