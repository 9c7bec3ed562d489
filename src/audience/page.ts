/** Pages and blocks of an audience: ranks joined with user ids. */
import type { Directory } from '../population/directory.ts';
import { percentileOf } from './percentile.ts';
import type { ReadRanking } from './ranking.ts';

/** What a page needs from the directory. */
export type UserIds = Pick<Directory, 'id'>;

/** One member, with the field names of the response. */
export interface AudienceItem {
  /** 1-based. */
  readonly rank: number;
  readonly user_id: string;
  readonly score: number;
  /** Among the candidates; 100 = the best of them. */
  readonly percentile: number;
}

/** The members of an audience of `size` from `fromRank` (0-based) on, at most `limit`; none past its end. */
export function pageOf(
  ranking: ReadRanking,
  ids: UserIds,
  range: { readonly size: number; readonly fromRank: number; readonly limit: number },
): AudienceItem[] {
  const { userNumbers, scores } = ranking.read(
    range.fromRank,
    Math.max(0, Math.min(range.limit, range.size - range.fromRank)),
  );
  return Array.from(userNumbers, (userNumber, i) => ({
    rank: range.fromRank + i + 1,
    user_id: ids.id(userNumber),
    score: scores[i]!,
    percentile: percentileOf(range.fromRank + i + 1, ranking.candidates),
  }));
}

/**
 * The audience of `size` from `fromRank` (0-based, 0 by default) to its end in pages of `blockSize`, each read on
 * demand.
 */
export function* blocksOf(
  ranking: ReadRanking,
  ids: UserIds,
  range: { readonly size: number; readonly fromRank?: number; readonly blockSize: number },
): Generator<AudienceItem[]> {
  for (let fromRank = range.fromRank ?? 0; ; fromRank += range.blockSize) {
    const page = pageOf(ranking, ids, { size: range.size, fromRank, limit: range.blockSize });
    if (page.length === 0) return;
    yield page;
  }
}
