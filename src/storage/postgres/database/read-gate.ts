/** During a known outage of the database, refuses reads at once, including those that are already waiting. */
import { AppError } from '../../../lib/errors.ts';
import { RETRY_SECONDS } from './errors.ts';

export class ReadGate {
  #reason: string | null = null;
  readonly #waiting = new Set<(refusal: AppError) => void>();

  /** Refuses reads from now on. */
  close(reason: string): void {
    this.#reason = reason;
    for (const reject of this.#waiting) reject(refusal(reason));
    this.#waiting.clear();
  }

  open(): void {
    this.#reason = null;
  }

  /**
   * Returns the result of `read`, or its error. If the gate closes meanwhile, does not wait for `read` to end.
   * @throws AppError unavailable
   */
  pass<T>(read: () => Promise<T>): Promise<T> {
    if (this.#reason !== null) return Promise.reject(refusal(this.#reason));
    return new Promise((resolve, reject) => {
      this.#waiting.add(reject);
      const end = () => void this.#waiting.delete(reject);
      read().then(resolve, reject).finally(end);
    });
  }
}

function refusal(reason: string): AppError {
  return new AppError('unavailable', reason, { facts: { retry_after: RETRY_SECONDS } });
}
