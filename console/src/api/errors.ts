/** Errors of calls: a problem that the service reports, no response, or a response from another system. */
import type { components } from '../../generated/openapi.d.ts';

type Problem = components['schemas']['Problem'];

/** A fault of a request, with the field that caused the fault. */
export type FieldFault = NonNullable<Problem['errors']>[number];

/** A problem that the service reported (`application/problem+json`, RFC 9457). Callers branch on `code`. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: Problem['code'];
  readonly title: string;
  readonly requestId: string;
  readonly faults: readonly FieldFault[];
  /** The whole response body, including the additional fields of some codes. */
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.detail);
    this.name = 'ApiError';
    this.status = problem.status;
    this.code = problem.code;
    this.title = problem.title;
    this.requestId = problem.request_id;
    this.faults = problem.errors ?? [];
    this.problem = problem;
  }

  /** Returns the message of the first fault at or below a JSON pointer, or undefined if there is no such fault. */
  faultAt(pointer: string): string | undefined {
    return this.faults.find((fault) => fault.pointer === pointer || fault.pointer.startsWith(`${pointer}/`))?.message;
  }
}

/** The service cannot be reached, because the network is down or the service is not running. */
export class OfflineError extends Error {
  constructor(cause?: unknown) {
    super('The service cannot be reached.', { cause });
    this.name = 'OfflineError';
  }
}

/** A response that did not come from the service, such as a proxy's error page. */
export class ForeignAnswerError extends Error {
  readonly status: number;

  constructor(status: number) {
    super(`A server between the browser and the service answered with status ${status}.`);
    this.name = 'ForeignAnswerError';
    this.status = status;
  }
}

const MOST_RETRY_SECONDS = 30;
const RETRY_SECONDS = 2;
/** Status codes of a busy service, and of a proxy while the service starts. */
const BUSY = [429, 502, 503, 504];

/**
 * Returns the seconds after which to retry a request to a busy or starting service, or null if a retry would not help.
 */
export function retrySeconds(error: unknown): number | null {
  const isAnswer = error instanceof ApiError || error instanceof ForeignAnswerError;
  if (!isAnswer || !BUSY.includes(error.status)) return null;
  const told = error instanceof ApiError ? Number(error.problem['retry_after'] ?? RETRY_SECONDS) : RETRY_SECONDS;
  return Math.min(MOST_RETRY_SECONDS, told);
}

export function isProblem(body: unknown): body is Problem {
  return typeof body === 'object' && body !== null && 'code' in body && 'detail' in body && 'status' in body;
}
