/** Errors that calls throw: a problem that the service reports, no response, or an expansion without an audience. */
import type { Campaign, Problem } from './types.ts';

/** A fault of a request: the field (`pointer`), what it contains, and what is wrong. */
export type FieldFault = NonNullable<Problem['errors']>[number];

/** A problem that the service reports (`application/problem+json`, RFC 9457). Programs branch on `code`. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;
  readonly code: Problem['code'];
  /** Also in the log of the service. */
  readonly requestId: string;
  /** One for each field at fault; may be empty. */
  readonly errors: readonly FieldFault[];
  /** The whole body, with the additional fields of some codes, such as `campaign_id`. */
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(`${problem.code}: ${problem.detail}`);
    this.status = problem.status;
    this.code = problem.code;
    this.requestId = problem.request_id;
    this.errors = problem.errors ?? [];
    this.problem = problem;
  }

  get detail(): string {
    return this.problem.detail;
  }
}

/** A response that is not from the service, such as the error page of a proxy. */
export class ForeignResponseError extends Error {
  override readonly name = 'ForeignResponseError';
  readonly status: number;
  /** The beginning of the body. */
  readonly text: string;

  constructor(status: number, text: string) {
    super(`a server between this program and the service answered with status ${status}`);
    this.status = status;
    this.text = text.slice(0, 1000);
  }
}

/** The service cannot be reached, does not answer in time, or closed the connection before the end of a response. */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError';
}

/** An expansion ended without an audience, or none was queued. `code` and the message give the reason. */
export class ExpansionError extends Error {
  override readonly name = 'ExpansionError';
  readonly state: Campaign['state'];
  readonly code: string;
  readonly campaign: Campaign;

  constructor(campaign: Campaign) {
    const { state, reason } = campaign;
    super(`campaign ${campaign.id} is ${state ?? 'not expanded'}${reason === null ? '' : `: ${reason.message}`}`);
    this.state = state;
    this.code = reason?.code ?? state ?? 'not_expanded';
    this.campaign = campaign;
  }
}

/** The error that a response other than 2xx and 304 stands for. */
export function errorOf(body: unknown, { status }: Response): ApiError | ForeignResponseError {
  if (typeof body === 'object' && body !== null && 'code' in body && 'detail' in body)
    return new ApiError(body as Problem);
  return new ForeignResponseError(status, typeof body === 'string' ? body : JSON.stringify(body ?? ''));
}
