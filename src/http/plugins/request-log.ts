/**
 * Writes one log line per request. The line contains the route's pattern instead of the URL, so that no user id and no
 * key is logged.
 */
import { type FastifyBaseLogger, type FastifyReply, type FastifyRequest, LogController } from 'fastify';
import { PROBLEMS } from '../../lib/error-codes/error-codes.ts';
import { AppError, type ErrorCode } from '../../lib/errors.ts';
import type { RequestClass } from './fastify-types.ts';
import { isVerbose } from './lazy-logger.ts';

/** Data about a finished response. */
export interface Answered {
  readonly method: string;
  /** The route's pattern. */
  readonly route: string;
  readonly class: RequestClass;
  readonly status: number;
  /** Code of the problem in the response; null if there is none. */
  readonly code: ErrorCode | null;
  /** Milliseconds from the request head to the end of the response. */
  readonly ms: number;
}

/**
 * Returns the pattern of the matching route, or `unknown` if no route matches. The number of patterns is bounded, and
 * patterns contain no ids.
 */
export function routePattern(request: FastifyRequest): string {
  return request.is404 ? 'unknown' : (request.routeOptions.url ?? 'unknown');
}

/** Returns the class of the route, or the default class. */
export function classOf(method: string, config: FastifyRequest['routeOptions']['config']): RequestClass {
  return config?.class ?? (method === 'GET' || method === 'HEAD' ? 'read' : 'write');
}

/** Replaces Fastify's own log lines, which contain URLs. `observe` is called for every response. */
export class PatternLog extends LogController {
  readonly #observe: (answered: Answered) => void;

  constructor(observe: (answered: Answered) => void) {
    super({ requestIdLogLabel: 'request_id' });
    this.#observe = observe;
  }

  override incomingRequest(): void {}

  override requestCompleted(error: Error | null | undefined, request: FastifyRequest, reply: FastifyReply): void {
    // the options are read once, because Fastify creates a new object at each access
    const { url, config } = request.routeOptions;
    const { statusCode: status, elapsedTime: ms } = reply;
    const { method } = request;
    const answered = { method, route: url ?? 'unknown', status, ms };
    const { problemCode: code } = reply;
    this.#observe({ ...answered, code, class: classOf(method, config) });
    const isQuiet = reply.isShed || (config.quiet === true && (status < 400 || code === 'unavailable'));
    if (isQuiet && !isVerbose(reply.log.level)) return;
    const line = {
      ...answered,
      ms: Math.round(ms * 1000) / 1000,
      ...(code === null ? {} : { code }),
      ...campaignOf(request, answered.route),
      ...(error ? { error: describeError(error) } : {}),
    };
    if (isQuiet) reply.log.debug(line, 'request');
    else reply.log.info(line, 'request');
  }

  override defaultErrorLog(error: Error, request: FastifyRequest, reply: FastifyReply): void {
    reply.log.error({ route: routePattern(request), error: describeError(error) }, 'unhandled error');
  }

  override streamError(error: Error, request: FastifyRequest, reply: FastifyReply): void {
    const isGone = (error as NodeJS.ErrnoException).code === 'ERR_STREAM_PREMATURE_CLOSE';
    if (isGone) reply.log.info({ route: routePattern(request) }, 'the client disconnected');
    else if (error instanceof AppError && error.code === 'request_timeout')
      reply.log.info({ route: routePattern(request), detail: error.message }, 'the client was too slow');
    else reply.log.error({ route: routePattern(request), error: describeError(error) }, 'the response was cut off');
  }

  override routeNotFound(): void {}

  override writeHeadError(error: Error, request: FastifyRequest, reply: FastifyReply): void {
    reply.log.error(
      { route: routePattern(request), error: describeError(error) },
      'the response head could not be written',
    );
  }

  override serializerError(error: Error, request: FastifyRequest, reply: FastifyReply): void {
    reply.log.error(
      { route: routePattern(request), error: describeError(error) },
      'the response does not match its schema',
    );
  }

  override serviceUnavailable(logger: FastifyBaseLogger): void {
    logger.info('a request was refused: the server is closing');
  }
}

/** Returns the campaign id in the path if it is a UUID, because callers may send any text. */
function campaignOf({ params }: FastifyRequest, route: string): { readonly campaign?: string } {
  if (!route.startsWith(CAMPAIGN_ROUTES)) return {};
  const { id } = params as { readonly id?: string };
  return id !== undefined && UUID.test(id) ? { campaign: id } : {};
}

const CAMPAIGN_ROUTES = '/v1/campaigns/:id';
const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/;

/**
 * Logs a service error. Caller errors are not logged, because the responses already contain them, and because error
 * messages may quote user ids.
 */
export function logProblem(log: FastifyBaseLogger, route: string, error: AppError): void {
  if (PROBLEMS[error.code].status < 500) return;
  const isUnexpected = error.code === 'internal' && error.cause !== undefined;
  if (error.code === 'unavailable') log.info({ route, code: error.code, detail: error.message }, 'unavailable');
  else
    log.error({ route, code: error.code, error: describeError(isUnexpected ? error.cause : error) }, 'request failed');
}

/**
 * Returns name, message and stack of the error and its causes, but no other properties, because they may contain input.
 * The log key `err` is avoided because pino would copy all properties.
 */
function describeError(error: unknown, depth = 0): Record<string, unknown> {
  if (!(error instanceof Error)) return { message: typeof error };
  return {
    type: error.name,
    message: error.message,
    stack: error.stack,
    ...(error.cause === undefined || depth >= MAXIMUM_CAUSES ? {} : { cause: describeError(error.cause, depth + 1) }),
  };
}

const MAXIMUM_CAUSES = 5;
