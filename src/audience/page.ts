/** Reads pages of an audience, with ranks and user ids. */
import type { Treated } from '../domain/hold-out.ts';
import type { Directory } from '../population/read.ts';
import { percentileOf } from './membership.ts';
import type { ReadRanking } from './ranking.ts';

export type UserIds = Pick<Directory, 'id' | 'isErased'>;

/** A member of an audience, with the field names of the response. */
export interface AudienceItem {
  /** The 1-based rank. */
  readonly rank: number;
  readonly user_id: string;
  readonly score: number;
  /** The percentile among the candidates; 100 is the best. */
  readonly percentile: number;
}

/**
 * Returns the members at up to `limit` ranks of an audience of `size` ranks, starting at the 0-based rank `fromRank`.
 * Erased and held-out users are omitted; the ranks of the others do not change.
 */
export function pageOf(
  ranking: ReadRanking,
  ids: UserIds,
  range: Treated & { readonly fromRank: number; readonly limit: number },
): AudienceItem[] {
  const { userNumbers, scores } = ranking.read(
    range.fromRank,
    Math.max(0, Math.min(range.limit, range.size - range.fromRank)),
  );
  const items: AudienceItem[] = [];
  for (const [i, userNumber] of userNumbers.entries()) {
    if (ids.isErased(userNumber) || range.holdout?.has(userNumber)) continue;
    const rank = range.fromRank + i + 1;
    const percentile = percentileOf(rank, ranking.candidates);
    items.push({ rank, user_id: ids.id(userNumber), score: scores[i]!, percentile });
  }
  return items;
}
