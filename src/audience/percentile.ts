/** Percentiles: ranks on a scale that does not depend on the number of candidates. */

/**
 * The percentage of candidates that rank no better than `rank` (1-based), including the one at `rank`: 100 at the first
 * rank, 100 / candidates at the last, falling with every rank. Users who are not candidates (seeds, suppressed,
 * filtered out) are not counted.
 */
export function percentileOf(rank: number, candidates: number): number {
  return (100 * (candidates - rank + 1)) / candidates;
}
