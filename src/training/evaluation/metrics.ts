/** Measures how well scores find the members of a campaign: AUC, and precision, recall and lift at the top. */
import { assert } from '../../lib/errors.ts';

/** The rows with the top scores, and the members among them. */
export interface TopQuality {
  /** The requested share of the rows, in (0, 1]. */
  readonly share: number;
  /** Number of rows: `max(1, ceil(share * rows))`. */
  readonly count: number;
  /** Number of members among these rows. */
  readonly hits: number;
  /** hits / count. */
  readonly precision: number;
  /** hits / all members. */
  readonly recall: number;
  /** precision / share of members among all rows; 1 for a random order. */
  readonly lift: number;
}

/** Quality of one campaign's scores. */
export interface RankingQuality {
  /** P(a member's score > a non-member's score); ties count half. */
  readonly auc: number;
  /** Top metrics, one entry per share, in the requested order. */
  readonly top: readonly TopQuality[];
}

/**
 * Measures `scores` against `labels` (1 = member), row by row; `users` are the rows' user numbers. For AUC, tied scores
 * get their average rank. The top consists of the first rows by descending score, then by ascending user number. No
 * score may be NaN, and both labels must occur.
 */
export function measureRanking(
  users: Int32Array,
  scores: Float32Array | Float64Array,
  labels: Uint8Array,
  shares: readonly number[] = [0.05],
): RankingQuality {
  const count = users.length;
  assert(
    scores.length === count && labels.length === count,
    `${count} users, ${scores.length} scores, ${labels.length} labels`,
  );
  const order = orderByScore(users, scores);
  let members = 0;
  for (let i = 0; i < count; i++) members += labels[i]!;
  assert(members > 0 && members < count, `${members} members of ${count} rows: both members and others are needed`);
  const auc = areaUnderCurve(order, scores, labels, members);
  return { auc, top: shares.map((share) => measureTop(order, labels, members, share)) };
}

/**
 * The AUC of members against all rows, if members make up the share `members` of the rows. Members compared with each
 * other have an AUC of .5.
 */
export function aucAgainstAll({ auc }: RankingQuality, members: number): number {
  return members / 2 + (1 - members) * auc;
}

/** Row numbers, sorted by descending score, then by ascending user number. */
function orderByScore(users: Int32Array, scores: Float32Array | Float64Array): Uint32Array {
  const order = new Uint32Array(users.length);
  for (let i = 0; i < order.length; i++) {
    assert(!Number.isNaN(scores[i]), `score of user number ${users[i]} is not a number`);
    order[i] = i;
  }
  return order.sort((a, b) => {
    const x = scores[a]!;
    const y = scores[b]!;
    return x === y ? users[a]! - users[b]! : x > y ? -1 : 1;
  });
}

/**
 * Mann-Whitney: (sum of the members' ascending ranks - n1 * (n1 + 1) / 2) / (n1 * n0), with ranks averaged over ties.
 */
function areaUnderCurve(
  order: Uint32Array,
  scores: Float32Array | Float64Array,
  labels: Uint8Array,
  members: number,
): number {
  const count = order.length;
  let rankSum = 0;
  for (let start = 0; start < count; ) {
    let end = start;
    let tiedMembers = 0;
    while (end < count && scores[order[end]!] === scores[order[start]!]) tiedMembers += labels[order[end++]!]!;
    // descending positions start..end-1 are the ascending ranks count-end+1..count-start
    rankSum += tiedMembers * ((count - end + 1 + (count - start)) / 2);
    start = end;
  }
  return (rankSum - (members * (members + 1)) / 2) / (members * (count - members));
}

function measureTop(order: Uint32Array, labels: Uint8Array, members: number, share: number): TopQuality {
  assert(share > 0 && share <= 1, `share ${share} is not in (0, 1]`);
  const count = Math.max(1, Math.ceil(share * order.length));
  let hits = 0;
  for (let i = 0; i < count; i++) hits += labels[order[i]!]!;
  const precision = hits / count;
  return { share, count, hits, precision, recall: hits / members, lift: precision / (members / order.length) };
}
