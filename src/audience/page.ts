/** Reads pages of an audience as columns, with ranks and user ids. */
import type { Treated } from '../domain/hold-out.ts';
import { JsonBytes, jsonPart } from '../lib/text/json-bytes.ts';
import type { GatheredTexts } from '../lib/text/text-table.ts';
import type { Directory } from '../population/read.ts';
import { percentileOf } from './membership.ts';
import type { ReadRanking } from './ranking.ts';

export type GatheredIds = Pick<Directory, 'gatherIds' | 'isErased'>;

/** A member of an audience, with the field names of the response. */
export interface AudienceItem {
  /** The 1-based rank. */
  readonly rank: number;
  readonly user_id: string;
  readonly score: number;
  /** The percentile among the candidates; 100 is the best. */
  readonly percentile: number;
}

/** The members on consecutive ranks, without erased and held-out users. Each column has one entry per member. */
export interface MemberBlock {
  /** The 1-based ranks. */
  readonly ranks: Uint32Array;
  readonly ids: GatheredTexts;
  readonly scores: Float32Array;
  /** Number of candidates in the ranking, which is needed to compute percentiles. */
  readonly candidates: number;
}

/**
 * Returns the members at up to `limit` ranks of an audience of `size` ranks, starting at the 0-based rank `fromRank`.
 * Erased and held-out users are omitted; the ranks of the others do not change.
 */
export function pageOf(
  ranking: ReadRanking,
  ids: GatheredIds,
  { size, holdout, fromRank, limit }: Treated & { readonly fromRank: number; readonly limit: number },
): MemberBlock {
  const read = ranking.read(fromRank, Math.max(0, Math.min(limit, size - fromRank)));
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

/** The parts of each item, of which the first has no comma in front of it. */
const FIRST = jsonPart('{"rank":');
const NEXT = jsonPart(',{"rank":');
const USER = jsonPart(',"user_id":');

/** Returns a page as a JSON object, with its last `fields`. */
export function memberJson({ ranks, ids, scores, candidates }: MemberBlock, fields: string): Buffer {
  const out = new JsonBytes(ids).add('{"items":[');
  for (let i = 0, start = 0; i < ranks.length; i++) {
    const rank = ranks[i]!;
    out
      .part(i === 0 ? FIRST : NEXT)
      .whole(rank)
      .part(USER)
      .quote(ids.bytes, start, ids.ends[i]!);
    out.endMember(scores[i]!, percentileOf(rank, candidates));
    start = ids.ends[i]!;
  }
  return out.add(`],${fields}}`).take();
}
