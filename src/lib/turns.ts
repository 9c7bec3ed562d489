/** Work that is done one piece after another, with a limit on how much may wait. */
import { AppError } from './errors.ts';

/** When a caller that found the queue full may try again. */
const RETRY_SECONDS = 5;

export class Turns {
  readonly #most: number;
  readonly #what: string;
  #last: Promise<unknown> = Promise.resolve();
  #held = 0;

  /** At most `most` pieces run or wait; `what` names them in the error. */
  constructor(most: number, what: string) {
    this.#most = most;
    this.#what = what;
  }

  /**
   * Does `work` after all earlier pieces, whatever their outcome. @throws AppError unavailable (facts: retry_after in
   * seconds); what `work` throws
   */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#held >= this.#most) {
      throw new AppError('unavailable', `${this.#held} ${this.#what}, the maximum at one time`, {
        facts: { retry_after: RETRY_SECONDS },
      });
    }
    this.#held += 1;
    const done = this.#last.then(work);
    // only the piece's own caller gets its error
    this.#last = done.catch(() => {});
    try {
      return await done;
    } finally {
      this.#held -= 1;
    }
  }
}
