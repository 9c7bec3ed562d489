/**
 * Splits an audience into blocks of columns, which another thread encodes. The blocks need no object or string per
 * member.
 */

import type { HoldOut, Treated } from '../../domain/hold-out.ts';
import { untilRead } from '../../domain/ports/blobs.ts';
import type { GatheredTexts } from '../../lib/text/text-table.ts';
import type { Directory } from '../../population/read.ts';
import { percentileOf } from '../membership.ts';
import type { AudienceItem } from '../page.ts';
import type { ReadRanking } from '../ranking.ts';

type GatheredIds = Pick<Directory, 'gatherIds' | 'isErased'>;

/** The members on consecutive ranks, without erased and held-out users. Each column has one entry per member. */
export interface MemberBlock {
  /** The 1-based ranks. */
  readonly ranks: Uint32Array;
  readonly ids: GatheredTexts;
  readonly scores: Float32Array;
  /** Number of candidates in the ranking, which is needed to compute percentiles. */
  readonly candidates: number;
}

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
      readBlock(ranking, ids, range.holdout, fromRank, Math.min(range.blockSize, end - fromRank)),
    );
}

/** Yields the members of a block one after the other. */
export function* itemsOf({ ranks, ids, scores, candidates }: MemberBlock): Generator<AudienceItem> {
  let i = 0;
  for (const user_id of textsOf(ids)) {
    const rank = ranks[i]!;
    yield { rank, user_id, score: scores[i]!, percentile: percentileOf(rank, candidates) };
    i++;
  }
}

/** Yields each text in the buffer as a string. */
export function* textsOf({ bytes, ends }: GatheredTexts): Generator<string> {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let start = 0;
  for (const end of ends) {
    yield buffer.toString('utf8', start, end);
    start = end;
  }
}

function readBlock(
  ranking: ReadRanking,
  ids: GatheredIds,
  holdout: HoldOut | null,
  fromRank: number,
  count: number,
): MemberBlock {
  const read = ranking.read(fromRank, count);
  const ranks = new Uint32Array(read.userNumbers.length);
  const users = new Uint32Array(ranks.length);
  const scores = new Float32Array(ranks.length);
  let left = 0;
  for (let i = 0; i < ranks.length; i++) {
    const user = read.userNumbers[i]!;
    if (ids.isErased(user) || holdout?.has(user)) continue;
    ranks[left] = fromRank + i + 1;
    users[left] = user;
    scores[left] = read.scores[i]!;
    left++;
  }
  const { candidates } = ranking;
  const gathered = ids.gatherIds(users.subarray(0, left));
  // the arrays of a block are copies, because sending a view to another thread would send the whole buffer
  return { ranks: ranks.slice(0, left), ids: gathered, scores: scores.slice(0, left), candidates };
}
