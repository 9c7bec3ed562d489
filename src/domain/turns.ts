/**
 * The order of the queue: quick expansions and expansions that a caller waits for go first, but no expansion waits
 * forever.
 */
import type { Cause } from './types.ts';

/** How long an expansion lets others go first, per seed: ten times the time that a seed adds to the expansion. */
const PATIENCE_A_SEED_MS = 100;
/** Maximum of that time, reached with 6,000 seeds. */
const MOST_PATIENCE_OF_SEEDS_MS = 600_000;
/**
 * The same time for expansions caused by a refresh policy: there are often hundreds at once, and no caller waits for
 * them.
 */
const PATIENCE_OF_REFRESHES_MS = 1_800_000;
/** An expansion that is queued later than another by more than this time never goes before it. */
export const MOST_PATIENCE_MS = PATIENCE_OF_REFRESHES_MS + MOST_PATIENCE_OF_SEEDS_MS;

/**
 * The turn of an expansion, in milliseconds since 1970: of the waiting expansions, the one with the lowest turn goes
 * first.
 */
export function turnOf({
  queuedAt,
  cause,
  seeds,
}: {
  readonly queuedAt: number;
  readonly cause: Cause;
  /** Known seeds. */
  readonly seeds: number;
}): number {
  const ofSeeds = Math.min(PATIENCE_A_SEED_MS * seeds, MOST_PATIENCE_OF_SEEDS_MS);
  return queuedAt + ofSeeds + (isAwaited(cause) ? 0 : PATIENCE_OF_REFRESHES_MS);
}

function isAwaited(cause: Cause): boolean {
  return cause === 'created' || cause === 'requested';
}
