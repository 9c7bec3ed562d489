/** Repeats calls while a store is unreachable. */
import { setTimeout as sleep } from 'node:timers/promises';
import { AppError } from './errors.ts';

/** Pause between two attempts. */
const PAUSE_MS = 500;

/**
 * Returns the result of `call`, repeating it while it rejects with AppError unavailable. Before each repetition, calls
 * `check` with that error; `check` throws if the result is no longer needed.
 */
export async function untilAnswered<T>(call: () => Promise<T>, check: (error: AppError) => void): Promise<T> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'unavailable') throw error;
      await sleep(PAUSE_MS);
      check(error);
    }
  }
}
