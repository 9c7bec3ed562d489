/** Converts ranks to percentiles, a scale that does not depend on the number of candidates. */

/**
 * Returns the percentage of candidates that do not rank better than the 1-based `rank`, including the candidate at
 * `rank`. The percentile is 100 at the first rank, falls with every rank, and is 100 / candidates at the last rank.
 * Users who are not candidates (seeds, suppressed or filtered out) are not counted.
 */
export function percentileOf(rank: number, candidates: number): number {
  return (100 * (candidates - rank + 1)) / candidates;
}
