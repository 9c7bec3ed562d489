/** The order of the queue: quick expansions, and those that a caller waits for, go first, but none waits forever. */
import type { Cause } from './types.ts';

/** Ten times what a seed adds to the time of an expansion. */
const PATIENCE_A_SEED_MS = 100;
/** Maximum patience for seeds, reached with 6,000 of them. */
const MOST_PATIENCE_OF_SEEDS_MS = 600_000;
/** For expansions caused by a refresh policy: often hundreds at once, and no caller waits for them. */
const PATIENCE_OF_REFRESHES_MS = 1_800_000;
/** An expansion that is queued more than this after another one never goes before it. */
export const MOST_PATIENCE_MS = PATIENCE_OF_REFRESHES_MS + MOST_PATIENCE_OF_SEEDS_MS;

/**
 * The turn of an expansion, in milliseconds since 1970: of those that are waiting, the one with the lowest goes first.
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
