/** Finds the rank, score and percentile of a user in an audience. */
import type { Treated } from '../domain/hold-out.ts';
import type { UserNumber } from '../lib/brands.ts';
import { treats } from './cut.ts';
import type { MemberIndex } from './member-index.ts';
import type { ReadRanking } from './ranking.ts';

export interface Membership {
  /** The 1-based rank. */
  readonly rank: number;
  readonly score: number;
  /** The percentile among the candidates. */
  readonly percentile: number;
}

/**
 * Returns the user's position in the audience or cut, or null if the user is not a member or is held out. No file is
 * read if the members are in memory. Otherwise, one read finds the score, and the rank is looked up only for members.
 */
export function membershipOf(ranking: ReadRanking, treated: Treated, userNumber: UserNumber): Membership | null {
  const { members } = ranking;
  const { from = 0, size, holdout } = treated;
  if (members?.isOf(Math.min(size, ranking.candidates), holdout)) {
    const rank = members.rankOf(userNumber);
    return rank <= from ? null : memberAt(ranking, members, rank);
  }
  const score = ranking.scoreOf(userNumber);
  if (Number.isNaN(score) || !treats(ranking.cut(size), holdout, userNumber, score)) return null;
  const rank = ranking.rankOf(userNumber, score);
  if (rank <= from) return null;
  return { rank, score, percentile: percentileOf(rank, ranking.candidates) };
}

/** Returns the position of the member at a 1-based rank. */
export function memberAt({ candidates }: ReadRanking, { scores }: MemberIndex, rank: number): Membership {
  return { rank, score: scores[rank - 1]!, percentile: percentileOf(rank, candidates) };
}

/**
 * Returns the percentage of candidates at or below the 1-based `rank`. It is 100 for the first rank and 100 /
 * candidates for the last. Users who are not candidates (seeds, suppressed or filtered out) do not count.
 */
export function percentileOf(rank: number, candidates: number): number {
  return (100 * (candidates - rank + 1)) / candidates;
}
