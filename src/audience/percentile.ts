/** Percentiles: a rank on a scale that does not depend on how many candidates there are. */

/**
 * Per cent of the candidates that rank no better than `rank` (1-based), this one counted: 100 at the first rank, 100 /
 * candidates at the last, and falling from each rank to the next. Users who are not candidates (seeds, suppressed,
 * filtered out) are not in it.
 */
export function percentileOf(rank: number, candidates: number): number {
  return (100 * (candidates - rank + 1)) / candidates;
}
