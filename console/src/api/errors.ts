/** What can go wrong with a call: a problem that the service answered, or no answer at all. */
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
  /** Everything that the service said, with the facts that some codes have. */
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

  /** What is wrong with the field of a JSON pointer, or below it; undefined if nothing is. */
  faultAt(pointer: string): string | undefined {
    return this.faults.find((fault) => fault.pointer === pointer || fault.pointer.startsWith(`${pointer}/`))?.message;
  }
}

/** The service was not reached: the network is down, or it is not running. */
export class OfflineError extends Error {
  constructor(cause?: unknown) {
    super('The service cannot be reached.', { cause });
    this.name = 'OfflineError';
  }
}

/** An answer of something between that is no service of ours, such as a proxy's page. */
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
/** Of the service where it is busy, and of a proxy while it starts. */
const BUSY = [429, 502, 503, 504];

/** In how many seconds a service that is busy, or starts, is asked again; null where that would not help. */
export function retrySeconds(error: unknown): number | null {
  const isAnswer = error instanceof ApiError || error instanceof ForeignAnswerError;
  if (!isAnswer || !BUSY.includes(error.status)) return null;
  const told = error instanceof ApiError ? Number(error.problem['retry_after'] ?? RETRY_SECONDS) : RETRY_SECONDS;
  return Math.min(MOST_RETRY_SECONDS, told);
}

export function isProblem(body: unknown): body is Problem {
  return typeof body === 'object' && body !== null && 'code' in body && 'detail' in body && 'status' in body;
}
