/** A queue that runs one task at a time and limits the number of waiting tasks. */
import PQueue from 'p-queue';
import { AppError } from '../lib/errors.ts';

/** Seconds until a caller may try again if the queue is full. */
const RETRY_SECONDS = 5;

export class BoundedQueue {
  readonly #maximum: number;
  readonly #what: string;
  readonly #queue = new PQueue({ concurrency: 1 });

  /** Limits running and waiting tasks to `maximum`; `what` names the tasks in the error message. */
  constructor(maximum: number, what: string) {
    this.#maximum = maximum;
    this.#what = what;
  }

  /**
   * Runs `task` after all earlier tasks, whatever their outcome. @throws AppError unavailable (facts: retry_after in
   * seconds); the errors of `task`
   */
  async run<T>(task: () => Promise<T>): Promise<T> {
    const held = this.#queue.pending + this.#queue.size;
    if (held >= this.#maximum) {
      throw new AppError('unavailable', `${held} ${this.#what}, the maximum at one time`, {
        facts: { retry_after: RETRY_SECONDS },
      });
    }
    // the task starts in a later turn, so that it does not run within an open transaction of the caller
    return this.#queue.add(() => Promise.resolve().then(task));
  }
}
