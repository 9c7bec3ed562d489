/** Work that is done one piece after the other, of which only so much may wait. */
import { AppError } from './errors.ts';

/** When somebody who found the queue full may ask again. */
const RETRY_SECONDS = 5;

export class Turns {
  readonly #most: number;
  readonly #what: string;
  #last: Promise<unknown> = Promise.resolve();
  #held = 0;

  /** At most `most` pieces are at work or wait; `what` says of what there are so many. */
  constructor(most: number, what: string) {
    this.#most = most;
    this.#what = what;
  }

  /**
   * Does `work` after all that was asked for before, whatever became of that. @throws AppError unavailable (facts:
   * retry_after in seconds); what `work` throws
   */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#held >= this.#most) {
      throw new AppError('unavailable', `${this.#held} ${this.#what}, the most at one time`, {
        facts: { retry_after: RETRY_SECONDS },
      });
    }
    this.#held += 1;
    const done = this.#last.then(work);
    // whoever asked is told of an error; who comes after is not
    this.#last = done.catch(() => {});
    try {
      return await done;
    } finally {
      this.#held -= 1;
    }
  }
}
