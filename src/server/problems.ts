/** RFC 9457 problems: one table from error code to status and title, and the problem that an error becomes. */
import { AppError, type ErrorCode, type ErrorDetail } from '../lib/errors.ts';

/** The media type of every error answer. */
export const PROBLEM_TYPE = 'application/problem+json';

/** The statuses of error answers. */
export type ProblemStatus = 400 | 401 | 404 | 405 | 406 | 408 | 409 | 413 | 415 | 431 | 500 | 503;

interface ProblemRow {
  readonly status: ProblemStatus;
  readonly title: string;
  /** The answer holds a request id only: what went wrong is the operator's business, and in the log. */
  readonly hidden?: true;
}

/** Every error code has a row; a missing one does not compile. */
export const PROBLEMS: Readonly<Record<ErrorCode, ProblemRow>> = {
  invalid_request: { status: 400, title: 'The request is not valid' },
  invalid_cursor: { status: 400, title: 'The cursor is not valid' },
  unknown_feature: { status: 400, title: 'The model has no such campaign feature' },
  webhook_url_refused: { status: 400, title: 'Nothing is sent to this URL' },
  unknown_filter: { status: 400, title: 'The population has no such user feature or token' },
  too_few_known: { status: 400, title: 'Too few of the user ids are known' },
  unauthorized: { status: 401, title: 'An API key is needed' },
  route_not_found: { status: 404, title: 'There is no such route' },
  campaign_not_found: { status: 404, title: 'There is no such campaign' },
  expansion_not_found: { status: 404, title: 'The campaign has no such expansion' },
  audience_not_found: { status: 404, title: 'The campaign has no such audience version' },
  feature_not_found: { status: 404, title: 'There is no such feature' },
  user_not_found: { status: 404, title: 'The user is not in the population' },
  model_not_stored: { status: 404, title: 'The customised model was not kept' },
  webhook_not_found: { status: 404, title: 'There is no such webhook' },
  delivery_not_found: { status: 404, title: 'The webhook has no such delivery' },
  method_not_allowed: { status: 405, title: 'The route does not have this method' },
  not_acceptable: { status: 406, title: 'None of the accepted media types can be given' },
  request_timeout: { status: 408, title: 'The request did not arrive in time' },
  external_id_taken: { status: 409, title: 'Another campaign has this external id' },
  idempotency_key_reused: { status: 409, title: 'The idempotency key came with another body' },
  no_seeds: { status: 409, title: 'The campaign has no seeds yet' },
  expansion_ended: { status: 409, title: 'The expansion has ended already' },
  audience_not_ready: { status: 409, title: 'The campaign has no audience yet' },
  model_unavailable: { status: 409, title: 'The general model behind it is not served any more' },
  population_unavailable: { status: 409, title: 'The population version behind it is not there any more' },
  webhook_disabled: { status: 409, title: 'The webhook is disabled' },
  too_many_webhooks: { status: 409, title: 'There are too many webhooks' },
  body_too_large: { status: 413, title: 'The body is too large' },
  too_many_seeds: { status: 413, title: 'There are too many seeds' },
  unsupported_media_type: { status: 415, title: 'The content type is not supported' },
  headers_too_large: { status: 431, title: 'The headers are too large' },
  unavailable: { status: 503, title: 'The service is not ready' },
  storage_failed: { status: 503, title: 'Data could not be stored or read', hidden: true },
  internal: { status: 500, title: 'Something went wrong', hidden: true },
  invalid_argument: { status: 500, title: 'Something went wrong', hidden: true },
  invalid_data: { status: 500, title: 'Something went wrong', hidden: true },
  invalid_population: { status: 500, title: 'Something went wrong', hidden: true },
  invalid_graph: { status: 500, title: 'Something went wrong', hidden: true },
  invalid_model: { status: 500, title: 'Something went wrong', hidden: true },
  device_unavailable: { status: 500, title: 'Something went wrong', hidden: true },
};

interface ProblemError {
  readonly pointer: string;
  readonly value?: string | number | boolean | null;
  readonly limit?: number;
  readonly message: string;
}

/** The body of an error answer; facts (`state`, `retry_after`, `parts`) stand beside the members of RFC 9457. */
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

/** The `type` of a code's problems: where its page is (a URI reference, relative to the service). */
export function problemTypeOf(code: ErrorCode): string {
  return `/docs/errors/${code}`;
}

/** Whatever was thrown, as one of our errors: Fastify's own by code and status, everything else is `internal`. */
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

/** The answer to `error`. Values and texts are shortened; errors beyond `maximumDetails` are counted in the detail. */
export function problemOf(error: AppError, requestId: string, maximumDetails: number): Problem {
  const { status, title, hidden } = PROBLEMS[error.code];
  const base = { type: problemTypeOf(error.code), title, status };
  if (hidden) {
    const detail = `the log of the service says more under the request id ${requestId}`;
    return { ...base, detail, code: error.code, request_id: requestId, errors: [] };
  }
  const left = error.details.length - maximumDetails;
  const detail = left > 0 ? `${shorten(error.message)} (and ${left} more)` : shorten(error.message);
  const errors = error.details.slice(0, maximumDetails).map(presentDetail);
  const members = { ...base, detail, code: error.code, request_id: requestId, errors };
  // Twice: first for the order, then so that no fact takes the place of a member.
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

/** A value small enough to be shown: long text is cut, lists and objects are only named. */
function presentValue(value: unknown): string | number | boolean | null {
  if (typeof value === 'string') return shorten(value, MAXIMUM_VALUE_LENGTH);
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value); // 1e999 is JSON, Infinity is none
  if (typeof value === 'number' || typeof value === 'boolean' || value === null) return value;
  if (Array.isArray(value)) return `a list of ${value.length}`;
  return 'an object';
}

const MAXIMUM_TEXT_LENGTH = 500;
const MAXIMUM_VALUE_LENGTH = 80;

/** Halves of surrogate pairs are no text, and strict readers of JSON refuse them: one at the cut is dropped, another replaced. */
function shorten(text: string, length = MAXIMUM_TEXT_LENGTH): string {
  const short = text.length <= length ? text : `${text.slice(0, length).replace(/[\ud800-\udbff]$/, '')}…`;
  return short.replace(/\p{Surrogate}/gu, '\ufffd');
}
