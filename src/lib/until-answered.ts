/** Repeats calls while a store cannot be reached. */
import { setTimeout as sleep } from 'node:timers/promises';
import { AppError } from './errors.ts';

/** Pause between two attempts. */
const PAUSE_MS = 500;

/**
 * Returns the result of `call`, which is repeated while it rejects with AppError unavailable. Before each repetition,
 * `check` is called with that error, and throws once the result is no longer wanted.
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
