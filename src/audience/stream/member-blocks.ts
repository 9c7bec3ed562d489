/** A whole audience in blocks of columns for another thread to encode, without an object or a string per member. */

import type { GatheredTexts } from '../../lib/text/text-table.ts';
import type { Directory } from '../../population/read.ts';
import type { AudienceItem } from '../page.ts';
import { percentileOf } from '../percentile.ts';
import type { ReadRanking } from '../ranking.ts';

/** The part of the directory that blocks need. */
type GatheredIds = Pick<Directory, 'gatherIds' | 'isErased'>;

/** Members on consecutive ranks, without those who were erased; each column has one entry per member. */
export interface MemberBlock {
  /** 1-based. */
  readonly ranks: Uint32Array;
  readonly ids: GatheredTexts;
  readonly scores: Float32Array;
  /** Number of candidates of the ranking, for percentiles. */
  readonly candidates: number;
}

/**
 * The audience of `size`, from `fromRank` (0-based, 0 by default) to its end, in blocks of `blockSize` ranks, each read
 * on demand. If all users of a block were erased, the block is empty.
 */
export function* memberBlocks(
  ranking: ReadRanking,
  ids: GatheredIds,
  range: { readonly size: number; readonly fromRank?: number; readonly blockSize: number },
): Generator<MemberBlock> {
  const end = Math.min(range.size, ranking.candidates);
  for (let fromRank = range.fromRank ?? 0; fromRank < end; fromRank += range.blockSize)
    yield readBlock(ranking, ids, fromRank, Math.min(range.blockSize, end - fromRank));
}

/** The members of a block, one after the other. */
export function* itemsOf({ ranks, ids, scores, candidates }: MemberBlock): Generator<AudienceItem> {
  let i = 0;
  for (const user_id of textsOf(ids)) {
    const rank = ranks[i]!;
    yield { rank, user_id, score: scores[i]!, percentile: percentileOf(rank, candidates) };
    i++;
  }
}

/** Gathered texts, as strings. */
export function* textsOf({ bytes, ends }: GatheredTexts): Generator<string> {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let start = 0;
  for (const end of ends) {
    yield buffer.toString('utf8', start, end);
    start = end;
  }
}

function readBlock(ranking: ReadRanking, ids: GatheredIds, fromRank: number, count: number): MemberBlock {
  const read = ranking.read(fromRank, count);
  const ranks = new Uint32Array(read.userNumbers.length);
  const users = new Uint32Array(ranks.length);
  const scores = new Float32Array(ranks.length);
  let left = 0;
  for (let i = 0; i < ranks.length; i++) {
    const user = read.userNumbers[i]!;
    if (ids.isErased(user)) continue;
    ranks[left] = fromRank + i + 1;
    users[left] = user;
    scores[left] = read.scores[i]!;
    left++;
  }
  const { candidates } = ranking;
  const gathered = ids.gatherIds(users.subarray(0, left));
  // copies: a view would take all of its memory along to another thread
  return { ranks: ranks.slice(0, left), ids: gathered, scores: scores.slice(0, left), candidates };
}
