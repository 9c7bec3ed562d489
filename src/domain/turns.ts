/**
 * The order of the queue: quick expansions and expansions that a caller waits for go first, but no expansion waits
 * forever.
 */
import type { Cause } from './changes.ts';

/**
 * How long an expansion lets others go first, in milliseconds per seed: ten times the computing time that a seed adds.
 */
const PATIENCE_A_SEED_MS = 100;
/** Maximum time for which an expansion lets others go first because of its seeds; 6,000 seeds reach this maximum. */
const MOST_PATIENCE_OF_SEEDS_MS = 600_000;
/**
 * Additional time for which an expansion caused by a refresh policy lets others go first. There are often hundreds of
 * such expansions at once, and no caller waits for them.
 */
const PATIENCE_OF_REFRESHES_MS = 1_800_000;
/** An expansion never overtakes another expansion that was queued earlier by more than this time. */
export const MOST_PATIENCE_MS = PATIENCE_OF_REFRESHES_MS + MOST_PATIENCE_OF_SEEDS_MS;

/** The turn of an expansion, in milliseconds since 1970. The waiting expansion with the earliest turn goes first. */
export function turnOf({
  queuedAt,
  cause,
  seeds,
}: {
  readonly queuedAt: number;
  readonly cause: Cause;
  /** Number of known seeds. */
  readonly seeds: number;
}): number {
  const ofSeeds = Math.min(PATIENCE_A_SEED_MS * seeds, MOST_PATIENCE_OF_SEEDS_MS);
  return queuedAt + ofSeeds + (isAwaited(cause) ? 0 : PATIENCE_OF_REFRESHES_MS);
}

function isAwaited(cause: Cause): boolean {
  return cause === 'created' || cause === 'requested';
}
