/** The order of the queue: what is quick, and what a caller waits for, goes first, but nothing waits for ever. */
import type { Cause } from './types.ts';

/** Ten times what a seed adds to the time of an expansion. */
const PATIENCE_A_SEED_MS = 100;
/** At most that for seeds: 6,000 of them. */
const MOST_PATIENCE_OF_SEEDS_MS = 600_000;
/** Of expansions that a refresh policy caused: often hundreds at once, and no caller waits for them. */
const PATIENCE_OF_REFRESHES_MS = 1_800_000;
/** What is queued later than that after an expansion never goes before it. */
export const MOST_PATIENCE_MS = PATIENCE_OF_REFRESHES_MS + MOST_PATIENCE_OF_SEEDS_MS;

/** Milliseconds since 1970 by which an expansion is to begin: of those that wait, the one with the least goes first. */
export function turnOf({
  queuedAt,
  cause,
  seeds,
}: {
  readonly queuedAt: number;
  readonly cause: Cause;
  /** Known ones. */
  readonly seeds: number;
}): number {
  const ofSeeds = Math.min(PATIENCE_A_SEED_MS * seeds, MOST_PATIENCE_OF_SEEDS_MS);
  return queuedAt + ofSeeds + (isAwaited(cause) ? 0 : PATIENCE_OF_REFRESHES_MS);
}

function isAwaited(cause: Cause): boolean {
  return cause === 'created' || cause === 'requested';
}
