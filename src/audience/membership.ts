/** Whether a user is in an audience, and where. */
import type { UserNumber } from '../lib/brands.ts';
import { isInside } from './cut.ts';
import { percentileOf } from './percentile.ts';
import type { ReadRanking } from './ranking.ts';

export interface Membership {
  /** 1-based. */
  readonly rank: number;
  readonly score: number;
  /** Of the candidates. */
  readonly percentile: number;
}

/**
 * The user's position in the first `size` ranks; null if not in them. That takes one read; the rank is searched for
 * members only.
 */
export function membershipOf(ranking: ReadRanking, size: number, userNumber: UserNumber): Membership | null {
  const score = ranking.scoreOf(userNumber);
  if (Number.isNaN(score) || !isInside(ranking.cut(size), userNumber, score)) return null;
  const rank = ranking.rankOf(userNumber, score);
  return { rank, score, percentile: percentileOf(rank, ranking.candidates) };
}
