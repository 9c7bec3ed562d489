/**
 * Splits an audience into blocks of columns, which another thread encodes. The blocks need no object or string per
 * member.
 */

import type { Treated } from '../../domain/hold-out.ts';
import { untilRead } from '../../domain/ports/blobs.ts';
import { type GatheredTexts, textsOf } from '../../lib/text/text-table.ts';
import { percentileOf } from '../membership.ts';
import { type AudienceItem, type GatheredIds, type MemberBlock, pageOf } from '../page.ts';
import type { ReadRanking } from '../ranking.ts';

/** Users who are in only one of two audiences. */
export interface ChangeBlock {
  readonly change: 'removed' | 'added';
  readonly ids: GatheredTexts;
}

/**
 * Yields the members of an audience of `size` ranks, starting at the 0-based rank `fromRank` (default: 0). Each block
 * covers `blockSize` ranks and is read on demand. Blocks may be empty, because erased and held-out users are omitted.
 */
export async function* memberBlocks(
  ranking: ReadRanking,
  ids: GatheredIds,
  range: Treated & { readonly fromRank?: number; readonly blockSize: number },
): AsyncGenerator<MemberBlock> {
  const end = Math.min(range.size, ranking.candidates);
  for (let fromRank = range.fromRank ?? 0; fromRank < end; fromRank += range.blockSize)
    yield await untilRead(() =>
      pageOf(ranking, ids, { size: end, holdout: range.holdout, fromRank, limit: range.blockSize }),
    );
}

/** Yields the members of a block one after the other. */
export function* itemsOf({ ranks, ids, scores, candidates }: MemberBlock): Generator<AudienceItem> {
  for (const [i, user_id] of textsOf(ids).entries()) {
    const rank = ranks[i]!;
    yield { rank, user_id, score: scores[i]!, percentile: percentileOf(rank, candidates) };
  }
}
