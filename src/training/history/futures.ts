/**
 * Treats past campaigns as future ones: nobody has their tokens, and membership of other campaigns is as informative as
 * it will be for future campaigns.
 */

import { type Rng, sample, shuffle } from '../../lib/rng.ts';
import { hiddenBy, swapsOf } from '../../online/swap.ts';
import { PAST_CAMPAIGNS, type Population } from '../../population/read.ts';
import type { Trial } from '../choices/trial.ts';
import type { CampaignHistory } from './history.ts';
import { type Future, knownUsers, membersOf, recurrenceOf } from './members.ts';
import type { ScaledFeature } from './number-scales.ts';
import { buildOneHot, findColumn, type OneHot, withoutColumns, withSwaps } from './one-hot.ts';
import type { PreparedDataSet } from './prepared-data-set.ts';
import { reaches } from './reach.ts';

/** Number of parts into which campaigns are split; one part at a time is the future. */
const FOLDS = 4;
/** Number of candidates of a trial, including its hidden members. */
const TRIAL_ROWS = 5000;
/**
 * Minimum number of candidates of a trial: this number, the number of hidden members, or this share of all possible
 * candidates, whichever is greatest. With fewer candidates a trial would measure little, so the minimum takes
 * precedence over the share of known users.
 */
const ENOUGH_CANDIDATES = 1000;
const ENOUGH_OF_ALL = 0.25;

/** The train campaigns, prepared for evaluating methods on users' tokens. */
export interface Futures {
  readonly population: Pick<Population, 'rowOf'>;
  /** The share of candidates who are known (see `recurrenceOf`). */
  readonly recurrence: number | null;
  readonly campaigns: readonly CampaignHistory[];
  readonly oneHot: OneHot;
  /** The column of the campaign's token; -1 if past campaigns are not a feature, or if nobody has the token. */
  columnOf(campaign: string): number;
  /** Removes, from all users, the values that these campaigns hide. Present only if campaigns are tokens. */
  readonly hide?: (oneHot: OneHot, campaigns: readonly string[]) => OneHot;
}

export function openFutures(
  { population, history, hidden }: Pick<PreparedDataSet, 'population' | 'history' | 'hidden'>,
  features: readonly ScaledFeature[],
): Futures {
  const campaigns = history.campaigns.filter(({ split }) => split === 'train');
  return {
    population,
    recurrence: recurrenceOf(campaigns, population.rowOf.length),
    campaigns,
    oneHot: buildOneHot(population, features),
    columnOf: (campaign) => findColumn(population, features, PAST_CAMPAIGNS, campaign),
    ...(hidden
      ? {
          hide: (oneHot, campaigns) =>
            withSwaps(oneHot, population, features, swapsOf(population, hiddenBy(hidden, campaigns), hidden.draws)),
        }
      : {}),
  };
}

/** The users as they were before the campaigns that are treated as future ones. */
export function usersBefore({ oneHot, columnOf, hide }: Futures, future: Future): OneHot {
  const ids = future.map(({ id }) => id);
  if (hide && ids.length > 0) return hide(oneHot, ids);
  const isOut = new Uint8Array(oneHot.width);
  const columns = ids.map(columnOf).filter((column) => column >= 0);
  for (const column of columns) isOut[column] = 1;
  return columns.length === 0 ? oneHot : withoutColumns(oneHot, isOut);
}

/** One part of the campaigns, treated as the future, with the possible trials of each campaign. */
export interface FutureTrials {
  readonly future: Future;
  readonly trials: readonly (readonly Trial[])[];
}

/**
 * Samples at most `most` of the campaigns, an equal number from each part. Each campaign has trials with every number
 * of seeds.
 */
export function sampleFutures(
  { population, campaigns, recurrence }: Pick<Futures, 'population' | 'campaigns' | 'recurrence'>,
  seedCounts: readonly number[],
  most: number,
  rng: Rng,
): FutureTrials[] {
  return foldsOf(campaigns, rng.fork('folds')).map((future, _, folds) => {
    const known = { isKnown: knownUsers(campaigns, future, population.rowOf.length), share: recurrence };
    const trials = future
      .map((campaign) => trialsOf(campaign, seedCounts, known, population, rng))
      .filter((own) => own.length > 0);
    return { future, trials: trials.slice(0, Math.ceil(most / folds.length)) };
  });
}

/**
 * A trial for each number of seeds. If a small campaign limits several of these numbers to the same value, there is
 * only one trial for that value.
 */
export function trialsOf(
  campaign: CampaignHistory,
  seedCounts: readonly number[],
  known: Known,
  population: Pick<Population, 'rowOf'>,
  rng: Rng,
): readonly Trial[] {
  return seedCounts
    .map((seeds) => futureTrial(campaign, seeds, known, population, rng.fork(`${campaign.id}/${seeds}`)))
    .filter((trial) => trial !== null)
    .filter((trial, i, all) => trial.seeds.length !== all[i - 1]?.seeds.length);
}

/** The users who are known from other campaigns. */
export interface Known {
  /** By user number. */
  readonly isKnown: Uint8Array;
  /** The share of candidates who are known; null to use the same share as among the hidden members. */
  readonly share: number | null;
}

/** Splits the campaigns into up to four parts, in a random order from `rng`. */
export function foldsOf(campaigns: readonly CampaignHistory[], rng: Rng): readonly Future[] {
  const order = Int32Array.from(campaigns.keys());
  shuffle(rng, order);
  const count = Math.min(FOLDS, campaigns.length);
  return Array.from({ length: count }, (_, fold) =>
    Array.from(order)
      .filter((_, place) => place % count === fold)
      .map((i) => campaigns[i]!),
  );
}

/**
 * Orders members of the campaign by the time at which they became known, the earliest first; members with equal times
 * are in random order. If a member has no time, all members are in random order.
 */
function inOrder({ train: { users, labels, times } }: CampaignHistory, members: Int32Array, rng: Rng): void {
  shuffle(rng, members);
  if (!times) return;
  const timeOf = new Map<number, number>();
  for (let row = 0; row < users.length; row++) {
    const time = times[row]!;
    if (labels[row] === 1 && !(timeOf.get(users[row]!)! <= time) && !Number.isNaN(time)) timeOf.set(users[row]!, time);
  }
  // the sort is stable, so ties stay shuffled
  if (members.every((user) => timeOf.has(user))) members.sort((a, b) => timeOf.get(a)! - timeOf.get(b)!);
}

/**
 * A trial in which `count` of the campaign's members (at most half; the earliest if they have times) are seeds. The
 * other members are hidden among candidates, of whom the share `known.share` is known from other campaigns. Returns
 * null if no hidden members are left.
 *
 * If `known.share` is null, equal shares of candidates and of hidden members are known, because membership of any past
 * campaign would otherwise separate candidates from hidden members, although it will not do so in the future. Hidden
 * members without matching candidates are dropped.
 */
export function futureTrial(
  campaign: CampaignHistory,
  count: number,
  known: Known,
  population: Pick<Population, 'rowOf'>,
  rng: Rng,
): Trial | null {
  const members = membersOf(campaign).filter((user) => population.rowOf[user]! >= 0);
  const size = Math.min(count, members.length >> 1);
  if (size < 1) return null;
  inOrder(campaign, members, rng);
  const seeds = members.slice(0, size).sort();
  const strata = candidatesOf(campaign, members, known, population).map((pool, side) => ({
    hidden: members.slice(size).filter((user) => known.isKnown[user] === side),
    pool,
  }));
  const rows =
    known.share === null ? matchedRows(strata, rng) : rowsWithShare(strata, [1 - known.share, known.share], rng);
  if (rows.length === 0) return null;
  rows.sort(([a], [b]) => a - b);
  return {
    id: campaign.id,
    features: campaign.features,
    group: null,
    seeds,
    evaluation: {
      users: Int32Array.from(rows, ([user]) => user),
      labels: Uint8Array.from(rows, ([, label]) => label),
    },
    reach: campaign.reach,
  };
}

/** Users within reach who are not members, ascending: first the users who are not known, then the users who are. */
function candidatesOf(
  { reach }: CampaignHistory,
  members: Int32Array,
  { isKnown }: Known,
  { rowOf }: Pick<Population, 'rowOf'>,
): readonly Int32Array[] {
  const isMember = new Uint8Array(rowOf.length);
  for (const user of members) isMember[user] = 1;
  const sides = [new Int32Array(rowOf.length), new Int32Array(rowOf.length)];
  const counts = [0, 0];
  for (let user = 0; user < rowOf.length; user++) {
    if (rowOf[user]! < 0 || isMember[user] === 1 || !reaches(reach, user)) continue;
    const side = isKnown[user]!;
    sides[side]![counts[side]!++] = user;
  }
  return sides.map((pool, side) => pool.subarray(0, counts[side]!));
}

/** A stratum: the hidden members who are known (or those who are not known), and the candidates of the same kind. */
interface Stratum {
  readonly hidden: Int32Array;
  readonly pool: Int32Array;
}

type Row = [user: number, label: number];

/** Samples rows with the same number of candidates for each hidden member in both strata. */
function matchedRows(strata: readonly Stratum[], rng: Rng): Row[] {
  // a stratum with fewer candidates than hidden members measures nothing
  const measured = strata.filter(({ hidden, pool }) => hidden.length > 0 && pool.length >= hidden.length);
  const hidden = measured.reduce((sum, stratum) => sum + stratum.hidden.length, 0);
  if (hidden === 0) return [];
  const ratio = Math.min(
    Math.max(1, TRIAL_ROWS / hidden - 1),
    ...measured.map((stratum) => stratum.pool.length / stratum.hidden.length),
  );
  return measured.flatMap(({ hidden, pool }) => sampledRows(hidden, pool, Math.round(ratio * hidden.length), rng));
}

/**
 * Samples rows with all hidden members, and with candidates in these shares of the strata. If one stratum has too few
 * candidates, the other stratum fills the gap.
 */
function rowsWithShare(strata: readonly Stratum[], shares: readonly number[], rng: Rng): Row[] {
  const hidden = strata.reduce((sum, stratum) => sum + stratum.hidden.length, 0);
  const wanted = Math.max(hidden, TRIAL_ROWS - hidden);
  const count = Math.min(
    wanted,
    ...strata.map(({ pool }, i) => (shares[i]! > 0 ? pool.length / shares[i]! : Number.POSITIVE_INFINITY)),
  );
  const all = strata.reduce((sum, { pool }) => sum + pool.length, 0);
  if (all === 0 || hidden === 0) return [];
  const enough = Math.min(all, ENOUGH_CANDIDATES, Math.ceil(Math.max(hidden, ENOUGH_OF_ALL * all)));
  const counts =
    count >= enough
      ? shares.map((share) => Math.round(share * count))
      : filledUp(
          shares.map((share) => share * enough),
          strata.map(({ pool }) => pool.length),
          enough,
        );
  return strata.flatMap(({ hidden, pool }, i) => sampledRows(hidden, pool, counts[i]!, rng));
}

/** Limits the wanted numbers to the available ones; the rest of `total` comes from the strata that have more. */
function filledUp(wanted: readonly number[], available: readonly number[], total: number): number[] {
  const counts = wanted.map((count, i) => Math.min(Math.round(count), available[i]!));
  for (const [i, most] of available.entries()) {
    const rest = total - counts.reduce((sum, count) => sum + count, 0);
    counts[i] = Math.min(counts[i]! + Math.max(rest, 0), most);
  }
  return counts;
}

function sampledRows(hidden: Int32Array, pool: Int32Array, count: number, rng: Rng): Row[] {
  const sampled = sample(rng, pool, count);
  return [...Array.from(hidden, (user): Row => [user, 1]), ...Array.from(sampled, (user): Row => [user, 0])];
}
