/** Pages and blocks of an audience: ranks joined with user ids. */
import type { Directory } from '../population/directory.ts';
import type { Ranking } from './ranking.ts';

/** What a page needs of the directory. */
export type UserIds = Pick<Directory, 'id'>;

/** One member, in the words of the answer. */
export interface AudienceItem {
  /** 1-based. */
  readonly rank: number;
  readonly user_id: string;
  readonly score: number;
}

/** Members of an audience of `size` from `fromRank` (0-based), at most `limit`. */
export function pageOf(
  _ranking: Ranking,
  _ids: UserIds,
  _range: { readonly size: number; readonly fromRank: number; readonly limit: number },
): AudienceItem[] {
  throw new Error('to be written');
}

/** The whole audience of `size` in blocks of at most `blockSize`, for streaming exports. */
export function* blocksOf(
  _ranking: Ranking,
  _ids: UserIds,
  _range: { readonly size: number; readonly fromRank?: number; readonly blockSize: number },
): Generator<AudienceItem[]> {}
