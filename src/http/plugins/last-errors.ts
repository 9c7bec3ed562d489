/** Keeps the latest service errors (responses with a 5xx status), which `/v1/status` shows. */
import type { Clock } from '../../lib/clock.ts';
import type { ErrorCode } from '../../lib/errors.ts';
import type { Answered } from './request-log.ts';

/** Maximum number of errors that are kept. */
export const KEPT_ERRORS = 20;

export interface RequestError {
  readonly code: ErrorCode;
  /** Pattern of the route, which contains no ids. */
  readonly route: string;
  /** Milliseconds since 1970. */
  readonly at: number;
}

export class LastErrors {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #kept: RequestError[] = [];

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
  }

  /** Records the response if it is a service error. Refusals by a starting or closing service do not count. */
  note({ code, route, status }: Answered): void {
    if (status < 500 || code === null || code === 'unavailable') return;
    this.#kept.push({ code, route, at: this.#clock.now() });
    if (this.#kept.length > KEPT_ERRORS) this.#kept.shift();
  }

  /** Returns the kept errors, newest first. */
  list(): readonly RequestError[] {
    return this.#kept.toReversed();
  }
}
