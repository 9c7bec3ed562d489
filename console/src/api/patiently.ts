/** Repeats requests that a busy service refuses. */
import { retrySeconds } from './errors.ts';

/** Maximum number of attempts while the service is busy. */
const ATTEMPTS = 6;

/** Repeats `work` while the service is busy, after the delays that its responses specify. */
export async function patiently<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      const seconds = retrySeconds(error);
      if (seconds === null || attempt >= ATTEMPTS || signal?.aborted) throw error;
      await new Promise((resolve) => setTimeout(resolve, 1000 * seconds));
    }
  }
}
