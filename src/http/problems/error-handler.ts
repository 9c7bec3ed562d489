/** Converts every error that Fastify or a route throws to a problem response. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { AppError } from '../../lib/errors.ts';
import { answerAndLinger } from '../plugins/connections/linger.ts';
import type { ServerApp } from '../plugins/fastify-types.ts';
import type { HttpLimits } from '../plugins/limits.ts';
import { logProblem, routePattern } from '../plugins/request-log.ts';
import { PROBLEM_TYPE, type Problem, problemOf, toAppError } from './problem.ts';

/** Responds to errors from routes and hooks, unknown routes (404) and unsupported methods (405 with Allow). */
export function answerErrors(app: ServerApp, limits: HttpLimits): void {
  const methodsAt = allowedMethods(app);
  app.setErrorHandler((error, request, reply) => sendError(error, request, reply, limits));
  app.setNotFoundHandler((request, reply) => {
    const methods = methodsAt(request.url.split('?', 1)[0] ?? '');
    // a missing file under a wildcard route gets 404 for every method
    if (methods.length === 0 || methods.includes(request.method))
      throw new AppError('route_not_found', 'there is no such route');
    reply.header('allow', methods.join(', '));
    throw new AppError('method_not_allowed', `this route supports ${methods.join(', ')}`);
  });
}

/** Sends `error` as a problem. Fastify also calls this function for `frameworkErrors`, which bypass error handlers. */
export function sendError(error: unknown, request: FastifyRequest, reply: FastifyReply, limits: HttpLimits): void {
  const appError = withoutIdentifiers(toAppError(error, limits), request);
  const problem = problemOf(appError, request.id, limits.maximumErrorDetails);
  reply.problemCode = appError.code;
  // a change of readiness is logged only once
  const isQuiet = reply.isShed || (request.routeOptions.config?.quiet === true && appError.code === 'unavailable');
  if (!isQuiet) logProblem(reply.log, routePattern(request), appError);
  reply.code(problem.status).headers({ 'x-request-id': request.id, ...headersOf(problem) });
  if (isStillSent(request, appError)) answerAndLinger(request, reply, JSON.stringify(problem), limits);
  else reply.type(PROBLEM_TYPE).send(problem);
}

/** Removes values from the errors of a request with identifiers, which may be personal data. */
function withoutIdentifiers(error: AppError, { query }: Pick<FastifyRequest, 'query'>): AppError {
  if ((query as { readonly identifier?: unknown } | undefined)?.identifier === undefined) return error;
  const { code, message, facts, cause, place } = error;
  const details = error.details.map(({ value: _, ...detail }) => detail);
  return new AppError(code, message, { details, facts, cause, ...(place === null ? {} : { place }) });
}

/** Whether the client is still sending a refused body, which must be discarded. */
function isStillSent({ raw, routeOptions }: FastifyRequest, { code }: AppError): boolean {
  if (raw.readableEnded || raw.destroyed) return false;
  if (code === 'body_too_large') return true;
  if (routeOptions.config?.upload !== true) return false;
  return raw.headers['transfer-encoding'] !== undefined || Number(raw.headers['content-length'] ?? 0) > 0;
}

function headersOf(problem: Problem): Record<string, string> {
  const { retry_after: retryAfter, required_scope: scope } = problem;
  return {
    ...(problem.status === 401 ? { 'www-authenticate': 'Bearer realm="metaheac"' } : {}),
    ...(typeof scope === 'string'
      ? { 'www-authenticate': `Bearer realm="metaheac", error="insufficient_scope", scope="${scope}"` }
      : {}),
    ...(typeof retryAfter === 'number' ? { 'retry-after': String(Math.max(1, Math.ceil(retryAfter))) } : {}),
  };
}

/**
 * Collects the routes that are registered later. Returns a function that lists the methods of a path, none if it is
 * unknown. Fastify treats an unsupported method like an unknown route, but RFC 9110 requires 405 with Allow.
 */
function allowedMethods(app: ServerApp): (path: string) => readonly string[] {
  const routes: { readonly pattern: RegExp; readonly methods: readonly string[] }[] = [];
  app.addHook('onRoute', (route) => {
    routes.push({ pattern: patternOf(route.url), methods: [route.method].flat() });
  });
  return (path) => {
    const methods = routes.filter(({ pattern }) => pattern.test(path)).flatMap((route) => route.methods);
    return [...new Set(methods)].sort();
  };
}

function patternOf(url: string): RegExp {
  const parts = url.split('/').map((part) => {
    if (part.startsWith(':')) return '[^/]+';
    if (part === '*') return '.*';
    return part.replace(/[^\w-]/g, '\\$&');
  });
  return new RegExp(`^${parts.join('/')}$`);
}
