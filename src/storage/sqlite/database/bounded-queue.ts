/** A queue that runs one task at a time and limits the number of waiting tasks. */
import PQueue from 'p-queue';
import { AppError } from '../../../lib/errors.ts';

/** When a caller may try again after finding the queue full. */
const RETRY_SECONDS = 5;

export class BoundedQueue {
  readonly #maximum: number;
  readonly #what: string;
  readonly #queue = new PQueue({ concurrency: 1 });

  /** At most `maximum` tasks run or wait; `what` describes them in the error. */
  constructor(maximum: number, what: string) {
    this.#maximum = maximum;
    this.#what = what;
  }

  /**
   * Runs `task` after all earlier ones, whatever their outcome.
   * @throws AppError unavailable (facts: retry_after in seconds); what `task` throws
   */
  async run<T>(task: () => Promise<T>): Promise<T> {
    const held = this.#queue.pending + this.#queue.size;
    if (held >= this.#maximum) {
      throw new AppError('unavailable', `${held} ${this.#what}, the maximum at one time`, {
        facts: { retry_after: RETRY_SECONDS },
      });
    }
    // deferred, so that the task does not run within a transaction that the caller has open
    return this.#queue.add(() => Promise.resolve().then(task));
  }
}
