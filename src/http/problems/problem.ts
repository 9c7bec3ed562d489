/** Converts errors to RFC 9457 problems. */
import { type ErrorCode, PROBLEMS } from '../../lib/error-codes/error-codes.ts';
import { AppError, type ErrorDetail } from '../../lib/errors.ts';

/** The media type of every error response. */
export const PROBLEM_TYPE = 'application/problem+json';

interface ProblemError {
  readonly pointer: string;
  readonly value?: string | number | boolean | null;
  readonly limit?: number;
  readonly message: string;
}

/**
 * The body of an error response. Facts such as `state`, `retry_after` and `parts` are extension members of RFC 9457.
 */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: ErrorCode;
  readonly request_id: string;
  readonly errors: readonly ProblemError[];
  readonly [fact: string]: unknown;
}

/** Returns the `type` of problems with this code: the URI reference of the code's page, relative to the service. */
export function problemTypeOf(code: ErrorCode): string {
  return `/docs/errors/${code}`;
}

/**
 * Converts anything thrown to an AppError. Fastify errors are converted by code and status; anything else becomes
 * `internal`.
 */
export function toAppError(error: unknown, limits: { bodyLimitBytes: number }): AppError {
  if (error instanceof AppError) return error;
  const { code, statusCode, message } = (error ?? {}) as { code?: unknown; statusCode?: unknown; message?: unknown };
  const text = typeof message === 'string' ? message : 'unknown error';
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE' || statusCode === 413) return bodyTooLarge(limits.bodyLimitBytes);
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE' || statusCode === 415) {
    return new AppError('unsupported_media_type', 'the body must be application/json');
  }
  if (code === 'FST_ERR_NOT_FOUND' || statusCode === 404)
    return new AppError('route_not_found', 'there is no such route');
  if (code === 'FST_ERR_BAD_URL') return new AppError('invalid_request', 'the path is not a valid percent-encoded URL');
  if (typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500) {
    return new AppError('invalid_request', shorten(text), { cause: error });
  }
  return new AppError('internal', text, { cause: error });
}

/**
 * Returns the response to `error`. Values and texts are shortened. Errors beyond `maximumDetails` are only counted, in
 * `detail`.
 */
export function problemOf(error: AppError, requestId: string, maximumDetails: number): Problem {
  const { status, title, hidden } = PROBLEMS[error.code];
  const base = { type: problemTypeOf(error.code), title, status };
  if (hidden) {
    const detail = `the service log has details under the request id ${requestId}`;
    return { ...base, detail, code: error.code, request_id: requestId, errors: [] };
  }
  const left = error.details.length - maximumDetails;
  const detail = left > 0 ? `${shorten(error.message)} (and ${left} more)` : shorten(error.message);
  const errors = error.details.slice(0, maximumDetails).map(presentDetail);
  const members = { ...base, detail, code: error.code, request_id: requestId, errors };
  // `members` is spread twice: first to set the order of the fields, then to keep facts from overriding them.
  return { ...members, ...error.facts, ...members };
}

function bodyTooLarge(limit: number): AppError {
  const message = `a body may have at most ${limit} bytes`;
  return new AppError('body_too_large', message, { details: [{ pointer: '', limit, message }] });
}

function presentDetail(detail: ErrorDetail): ProblemError {
  return {
    pointer: shorten(detail.pointer),
    ...(detail.value === undefined ? {} : { value: presentValue(detail.value) }),
    ...(detail.limit === undefined ? {} : { limit: detail.limit }),
    message: shorten(detail.message),
  };
}

/** Returns a value that is small enough to show. Long text is truncated, and lists and objects are summarised. */
function presentValue(value: unknown): string | number | boolean | null {
  if (typeof value === 'string') return shorten(value, MAXIMUM_VALUE_LENGTH);
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value); // 1e999 is JSON, Infinity is not
  if (typeof value === 'number' || typeof value === 'boolean' || value === null) return value;
  if (Array.isArray(value)) return `a list of ${value.length}`;
  return 'an object';
}

const MAXIMUM_TEXT_LENGTH = 500;
const MAXIMUM_VALUE_LENGTH = 80;

/**
 * Truncates a text. Strict JSON parsers refuse unpaired surrogates, so a surrogate at the cut is dropped and others are
 * replaced.
 */
function shorten(text: string, length = MAXIMUM_TEXT_LENGTH): string {
  const short = text.length <= length ? text : `${text.slice(0, length).replace(/[\ud800-\udbff]$/, '')}…`;
  return short.toWellFormed();
}
