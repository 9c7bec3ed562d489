/** The caller's errors: every one has a stable code; bugs are assertions; the world's errors travel as `cause`. */

/** One place in the input that is wrong. */
export interface ErrorDetail {
  /** JSON pointer into the body, a query name, or `file:line`. */
  readonly pointer: string;
  readonly message: string;
  readonly value?: unknown;
  readonly limit?: number;
}

export type ErrorCode =
  | 'invalid_argument' // a command line or configuration value
  | 'invalid_data' // a data set, a population's source
  | 'invalid_population' // a population folder that is torn or altered
  | 'invalid_graph' // an ONNX graph that cannot be read, typed or differentiated
  | 'invalid_model' // a model folder that is torn, altered or does not keep the contract
  | 'device_unavailable'
  | 'invalid_request'
  | 'invalid_cursor'
  | 'unknown_feature'
  | 'too_many_seeds'
  | 'body_too_large'
  | 'unsupported_media_type'
  | 'not_acceptable'
  | 'unauthorized'
  | 'route_not_found'
  | 'method_not_allowed'
  | 'request_timeout' // the request did not arrive in time
  | 'headers_too_large'
  | 'campaign_not_found'
  | 'user_not_found'
  | 'feature_not_found'
  | 'external_id_taken' // another campaign has it
  | 'idempotency_key_reused' // it came with another body before
  | 'audience_not_found' // no such version, or it was pruned
  | 'audience_not_ready'
  | 'expansion_not_found'
  | 'expansion_ended' // there is nothing to cancel
  | 'no_seeds' // a campaign that was given none yet
  | 'too_few_known' // ids of a list that the population does not have
  | 'unknown_filter' // a user feature or token that the population does not have
  | 'model_not_stored' // the audience was made before customised models were kept
  | 'model_unavailable' // the general model that something was made with is not served any more
  | 'population_unavailable' // the population version that something was made with is not there any more
  | 'webhook_not_found'
  | 'delivery_not_found'
  | 'webhook_url_refused' // not a place that events are sent to
  | 'webhook_disabled'
  | 'too_many_webhooks'
  | 'storage_failed' // disk full, read-only, I/O error
  | 'unavailable'
  | 'internal';

/** An error that is not a bug: what the caller sent, or what the world refused. */
export class AppError extends Error {
  readonly code: ErrorCode;
  readonly details: readonly ErrorDetail[];
  /** Facts for the answer beside the text (a state, a retry time). */
  readonly facts: Readonly<Record<string, unknown>>;

  constructor(
    code: ErrorCode,
    message: string,
    options: { details?: readonly ErrorDetail[]; facts?: Readonly<Record<string, unknown>>; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'AppError';
    this.code = code;
    this.details = options.details ?? [];
    this.facts = options.facts ?? {};
  }
}

/** Throws an assertion (a bug, never the caller's fault) unless `condition` holds. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`assertion failed: ${message}`);
}

/** Text of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
