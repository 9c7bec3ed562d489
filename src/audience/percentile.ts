/** Percentiles: a rank on a scale that does not depend on how many candidates there are. */

/**
 * The percentage of candidates that rank no better than `rank` (1-based), including this one: 100 at the first rank,
 * 100 / candidates at the last, and falling from each rank to the next. Users who are not candidates (seeds,
 * suppressed, filtered out) are not counted.
 */
export function percentileOf(rank: number, candidates: number): number {
  return (100 * (candidates - rank + 1)) / candidates;
}
