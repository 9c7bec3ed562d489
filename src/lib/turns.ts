/** Work that is done one piece after another, with a limit on how much may wait. */
import PQueue from 'p-queue';
import { AppError } from './errors.ts';

/** When a caller that found the queue full may try again. */
const RETRY_SECONDS = 5;

export class Turns {
  readonly #most: number;
  readonly #what: string;
  readonly #queue = new PQueue({ concurrency: 1 });

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
    const held = this.#queue.pending + this.#queue.size;
    if (held >= this.#most) {
      throw new AppError('unavailable', `${held} ${this.#what}, the maximum at one time`, {
        facts: { retry_after: RETRY_SECONDS },
      });
    }
    // never before the caller goes on: what it has open (a transaction) is not the work's
    return this.#queue.add(() => Promise.resolve().then(work));
  }
}
