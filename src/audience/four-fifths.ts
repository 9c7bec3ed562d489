/**
 * Re-ranks users so that every audience meets the four-fifths rule: the selection rate of each group of a feature is at
 * least four fifths of the rate of any other group.
 */
import type { UserNumber } from '../lib/brands.ts';
import { isTokenColumn, type Population } from '../population/read.ts';
import { RANKING_LIMITS } from './limits.ts';
import { orderOf } from './order.ts';

const { minimumDisparityGroupUsers, minimumDisparityPercent } = RANKING_LIMITS;
const LEAST_RATIO = minimumDisparityPercent.value / 100;
/** Audience sizes for which the price is reported, as shares of the candidates. */
const SHARES = [0.01, 0.02, 0.05, 0.1, 0.2];

/** The groups of a feature that are large enough to be compared. */
export interface ComparedGroups {
  readonly tokens: readonly string[];
  /** Number of users of each group in the population. */
  readonly sizes: readonly number[];
  /** The group of each user, by user number; -1 for users in no compared group. */
  readonly groupOf: Int32Array;
}

/** What the rule changes in an audience of a given size. Field names are those of the JSON. */
export interface FourFifthsPrice {
  readonly share: number;
  readonly size: number;
  /** The lowest selection rate divided by the highest. */
  readonly ratio_before: number;
  readonly ratio: number;
  readonly mean_score_before: number;
  readonly mean_score: number;
  /** Number of users of each group in the audience. */
  readonly groups: readonly { readonly token: string; readonly before: number; readonly users: number }[];
}

/** Reads the groups of a single-valued feature. @throws AppError storage_failed, invalid_population */
export function readGroups(
  population: Pick<Population, 'segmentCount' | 'readSegment' | 'dictionary' | 'directory'>,
  feature: string,
): ComparedGroups {
  const dictionary = population.dictionary(feature);
  const counts = new Int32Array(dictionary.size);
  const groupOf = new Int32Array(population.directory.size);
  for (let segment = 0; segment < population.segmentCount; segment++) {
    const { userNumbers, columns } = population.readSegment(segment);
    const column = columns.get(feature)!;
    if (!isTokenColumn(column)) continue;
    for (const [i, user] of userNumbers.entries()) {
      groupOf[user] = column.codes[i]!;
      counts[column.codes[i]!]! += 1;
    }
  }
  const isCompared = (code: number) => code > 0 && counts[code]! >= Math.max(1, minimumDisparityGroupUsers.value);
  const codes = [...counts.keys()].filter(isCompared);
  const places = new Int32Array(counts.length).fill(-1);
  for (const [place, code] of codes.entries()) places[code] = place;
  return {
    tokens: codes.map((code) => dictionary.token(code)),
    sizes: codes.map((code) => counts[code]!),
    groupOf: groupOf.map((code) => places[code]!),
  };
}

/**
 * Returns the users in their new order. The best remaining user comes next, unless the rate of that user's group would
 * then exceed 1.25 times the rate of another group. In that case, the best user of the group that is furthest behind
 * comes first. So users of one group keep their order. Once each group has a few members, every prefix meets the rule
 * until a group runs out of candidates.
 */
export function fairOrder(
  order: Uint32Array,
  { sizes, groupOf }: Pick<ComparedGroups, 'sizes' | 'groupOf'>,
): Uint32Array {
  const queues = sizes.map((_, group) => order.filter((user) => groupOf[user] === group));
  const taken = sizes.map(() => 0);
  const isTaken = new Uint8Array(groupOf.length);
  const out = new Uint32Array(order.length);
  let highest = 0;
  for (let place = 0, best = 0; place < out.length; place++) {
    while (isTaken[order[best]!] === 1) best += 1;
    let user: UserNumber = order[best]!;
    let group = groupOf[user]!;
    const next = group === -1 ? 0 : (taken[group]! + 1) / sizes[group]!;
    if (next > highest) {
      const behind = furthestBehind(next, sizes, taken, queues);
      if (behind !== -1 && behind !== group) {
        group = behind;
        user = queues[group]![taken[group]!]!;
      }
    }
    if (group !== -1) {
      taken[group]! += 1;
      highest = Math.max(highest, taken[group]! / sizes[group]!);
    }
    isTaken[user] = 1;
    out[place] = user;
  }
  return out;
}

/**
 * Returns the group that is furthest from the number of users it needs if the highest rate is `rate`; -1 if all have
 * enough.
 */
function furthestBehind(
  rate: number,
  sizes: readonly number[],
  taken: readonly number[],
  queues: readonly Uint32Array[],
): number {
  let found = -1;
  let lowest = Number.POSITIVE_INFINITY;
  for (const [group, size] of sizes.entries()) {
    // a rounding error must not ask for one more user
    const needed = Math.ceil(LEAST_RATIO * rate * size - 1e-9);
    const own = taken[group]!;
    if (own >= needed || own >= queues[group]!.length || own / needed >= lowest) continue;
    [found, lowest] = [group, own / needed];
  }
  return found;
}

/**
 * Changes scores, by user number, so that they sort in the new order. The user at each rank gets the score that the
 * rank had before or, if that would produce a wrong order or a tie in the wrong order, the next lower float32. Returns
 * the price.
 */
export function rankFairly(scores: Float32Array, groups: ComparedGroups): readonly FourFifthsPrice[] {
  const before = orderOf(scores);
  const after = fairOrder(before, groups);
  const prices = SHARES.map((share) => priceOf(share, { before, after }, scores, groups));
  const ranked = Float32Array.from(before, (user) => scores[user]!);
  let [score, last] = [Number.POSITIVE_INFINITY, -1];
  for (const [place, user] of after.entries()) {
    const own = ranked[place]!;
    score = own < score || (own === score && user > last) ? own : nextBelow(score);
    last = user;
    scores[user] = score;
  }
  return prices;
}

function priceOf(
  share: number,
  orders: { readonly before: Uint32Array; readonly after: Uint32Array },
  scores: Float32Array,
  { tokens, sizes, groupOf }: ComparedGroups,
): FourFifthsPrice {
  const size = Math.max(1, Math.ceil(share * orders.before.length));
  const describe = (order: Uint32Array) => {
    const users = sizes.map(() => 0);
    let sum = 0;
    for (const user of order.subarray(0, size)) {
      sum += scores[user]!;
      if (groupOf[user] !== -1) users[groupOf[user]!]! += 1;
    }
    const rates = users.map((count, group) => count / sizes[group]!);
    const highest = Math.max(...rates);
    return { users, mean: sum / Math.min(size, order.length), ratio: highest > 0 ? Math.min(...rates) / highest : 1 };
  };
  const [before, after] = [describe(orders.before), describe(orders.after)];
  return {
    ...{ share, size, ratio_before: before.ratio, ratio: after.ratio },
    ...{ mean_score_before: before.mean, mean_score: after.mean },
    groups: tokens.map((token, group) => ({ token, before: before.users[group]!, users: after.users[group]! })),
  };
}

const bits = new Int32Array(1);
const value = new Float32Array(bits.buffer);

/** The next float32 below a finite number. */
function nextBelow(x: number): number {
  value[0] = x;
  if (x === 0) bits[0] = 0x80000001 | 0;
  else bits[0]! += x > 0 ? -1 : 1;
  return value[0]!;
}
