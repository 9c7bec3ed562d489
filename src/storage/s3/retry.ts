/** Repeats calls of object storage that fail for a while. */
import type { Clock } from '../../lib/clock.ts';
import type { Rng } from '../../lib/rng.ts';
import { DamagedAnswer, isTemporary } from './faults.ts';

export interface Patience {
  readonly clock: Pick<Clock, 'elapsed'>;
  readonly rng: Pick<Rng, 'uniform'>;
  /** How long a call is repeated. */
  readonly patienceMs: number;
}

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;
/** Maximum number of attempts that return wrong bytes. After that, the stored object is assumed to be damaged. */
const MOST_DAMAGED = 4;

/**
 * Runs `attempt`, which is given its number from 0, until it succeeds, fails for good, or fails when the next attempt
 * would begin too late. A pause is a random share of twice the longest pause before, so that many clients do not come
 * back at the same time.
 */
export async function repeated<T>(patience: Patience, attempt: (number: number) => Promise<T>): Promise<T> {
  const { clock, rng, patienceMs } = patience;
  const start = clock.elapsed();
  let damaged = 0;
  for (let number = 0; ; number++) {
    try {
      return await attempt(number);
    } catch (error) {
      if (error instanceof DamagedAnswer) damaged += 1;
      const pauseMs = rng.uniform() * Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** number);
      if (!isTemporary(error) || damaged === MOST_DAMAGED) throw error;
      if (clock.elapsed() - start + pauseMs > patienceMs) throw error;
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }
}
