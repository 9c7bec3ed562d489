/**
 * Refuses reads at once during a known outage of the database, including reads that are already waiting for an answer.
 */
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
   * Returns the result of `read`, without waiting for its end once the gate is closed. The errors are those of `read`.
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
