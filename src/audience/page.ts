/** Pages of an audience: ranks joined with user ids. */
import type { Directory } from '../population/read.ts';
import { percentileOf } from './percentile.ts';
import type { ReadRanking } from './ranking.ts';

/** The part of the directory that a page needs. */
export type UserIds = Pick<Directory, 'id' | 'isErased'>;

/** One member, with the field names of the response. */
export interface AudienceItem {
  /** 1-based. */
  readonly rank: number;
  readonly user_id: string;
  readonly score: number;
  /** Among the candidates; 100 is the best. */
  readonly percentile: number;
}

/**
 * The members of an audience of `size` on the `limit` ranks from `fromRank` (0-based) on; none past its end. Users who
 * have been erased are left out; the others keep their ranks.
 */
export function pageOf(
  ranking: ReadRanking,
  ids: UserIds,
  range: { readonly size: number; readonly fromRank: number; readonly limit: number },
): AudienceItem[] {
  const { userNumbers, scores } = ranking.read(
    range.fromRank,
    Math.max(0, Math.min(range.limit, range.size - range.fromRank)),
  );
  const items: AudienceItem[] = [];
  for (const [i, userNumber] of userNumbers.entries()) {
    if (ids.isErased(userNumber)) continue;
    const rank = range.fromRank + i + 1;
    const percentile = percentileOf(rank, ranking.candidates);
    items.push({ rank, user_id: ids.id(userNumber), score: scores[i]!, percentile });
  }
  return items;
}
