/** What can go wrong with a call: the service reports a problem, or there is no answer at all. */
import type { components } from '../../generated/openapi.d.ts';

type Problem = components['schemas']['Problem'];

/** One fault of a request, with the field that caused it. */
export type FieldFault = NonNullable<Problem['errors']>[number];

/** An `application/problem+json` of the service (RFC 9457). Branch on `code`. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: Problem['code'];
  readonly title: string;
  readonly requestId: string;
  readonly faults: readonly FieldFault[];
  /** The whole response, including the extra fields of some codes. */
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

  /** The message of the first fault at a JSON pointer or below it; undefined if there is none. */
  faultAt(pointer: string): string | undefined {
    return this.faults.find((fault) => fault.pointer === pointer || fault.pointer.startsWith(`${pointer}/`))?.message;
  }
}

/** The service cannot be reached: the network is down, or it is not running. */
export class OfflineError extends Error {
  constructor(cause?: unknown) {
    super('The service cannot be reached.', { cause });
    this.name = 'OfflineError';
  }
}

/** An answer that did not come from the service, such as a proxy's error page. */
export class ForeignAnswerError extends Error {
  readonly status: number;

  constructor(status: number) {
    super(`Something between the browser and the service answered with status ${status}.`);
    this.name = 'ForeignAnswerError';
    this.status = status;
  }
}

const MOST_RETRY_SECONDS = 30;
const RETRY_SECONDS = 2;
/** Status codes of a busy service, and of a proxy while the service starts. */
const BUSY = [429, 502, 503, 504];

/** Seconds after which to ask a busy or starting service again; null if that would not help. */
export function retrySeconds(error: unknown): number | null {
  const isAnswer = error instanceof ApiError || error instanceof ForeignAnswerError;
  if (!isAnswer || !BUSY.includes(error.status)) return null;
  const told = error instanceof ApiError ? Number(error.problem['retry_after'] ?? RETRY_SECONDS) : RETRY_SECONDS;
  return Math.min(MOST_RETRY_SECONDS, told);
}

export function isProblem(body: unknown): body is Problem {
  return typeof body === 'object' && body !== null && 'code' in body && 'detail' in body && 'status' in body;
}
