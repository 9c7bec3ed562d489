/** Prepares a service's past campaigns for training. Seeds and feedback become rows, in order of time. */

import type { Feature } from '../../dataset/features.ts';
import { AppError } from '../../lib/errors.ts';
import { createRng, type Rng, sample, shuffle } from '../../lib/rng.ts';
import type { CampaignValues } from '../../online/encode.ts';
import type { Population } from '../../population/read.ts';
import { type CampaignHistory, type LabelledRows, labelledRows } from './history.ts';
import { presentUsers } from './one-hot.ts';
import type { PreparedDataSet } from './prepared-data-set.ts';
import { type Reach, reachedOf } from './reach.ts';
import { openTrainingPopulation } from './training-population.ts';

/** A campaign of a service. Users are user numbers; each list is ascending, without repeats. */
export interface ServedCampaign {
  /** The caller's own id of the campaign, or the service's id. */
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  readonly features: CampaignValues;
  readonly seeds: Int32Array;
  /** Users whose latest event is a conversion; likewise for `clicks`. */
  readonly conversions: Int32Array;
  readonly clicks: Int32Array;
  /** Users whose latest event is a dismissal, and the campaign's negatives. */
  readonly dismissals: Int32Array;
  /**
   * The users who could be in the campaign's audience, by its current filters and suppression lists; absent if everyone
   * could be.
   */
  readonly reach?: Reach;
}

/** Reads the campaigns of a service, the oldest first. Users whom the population lacks are left out. */
export type ReadServed = (population: Population) => Promise<readonly ServedCampaign[]>;

/**
 * Minimum number of seeds, because with fewer seeds, nothing can be learned and half of the seeds cannot be hidden. The
 * same minimum applies to other users.
 */
const LEAST_SEEDS = 20;

/**
 * Size of the test set, on which two models are compared: this share of the campaigns, within these bounds. The test
 * set has the newest campaigns.
 */
export const HELD_OUT = { share: 0.2, least: 5, most: 60 } as const;

/** Per member of a train campaign: number of other users, and maximum number of users who dismissed it. */
const OTHERS_PER_MEMBER = 10;
const TEST_OTHERS = 20_000;

export interface ServedData {
  readonly prepared: PreparedDataSet;
  /** Ids of campaigns that have too few seeds, or too few other users, within reach. */
  readonly tooSmall: readonly string[];
  /** Creation times of the test campaigns in milliseconds since 1970, ascending. */
  readonly testedAt: readonly number[];
}

/**
 * Campaigns with enough seeds, the oldest first. All are train campaigns, except that with `test` the newest ones
 * (`HELD_OUT`) are test campaigns; half of their seeds, drawn by `seed`, are hidden. Members of a train campaign are
 * its seeds and the users who converted, without those who dismissed it. Users who dismissed it have label 0 (a sample
 * if there are many), and so do randomly drawn other users; users who clicked are not drawn. In a test campaign, no
 * user who reacted is evaluated, because a model chose who saw the campaign. A campaign with filters or suppression
 * lists contains only users within its reach. Otherwise, members and other users would differ mainly in whether they
 * match the filters, and a model would learn the filters. Rows have no times, so training measures no drift: a service
 * does not know the times of seeds, and a model chose who could convert.
 * @throws AppError invalid_population; invalid_data for fewer than `least` campaigns, with their number
 */
export async function prepareServed(
  path: string,
  read: ReadServed,
  options: {
    readonly source: string;
    readonly seed: number;
    readonly least: number;
    readonly test: boolean;
    /** Maximum number of tokens per user feature; the most frequent are kept. Default: all. */
    readonly maximumTokens?: number;
  },
): Promise<ServedData> {
  const { population, userFeatures } = openTrainingPopulation(path, options.maximumTokens);
  const all = (await read(population)).map(withinReach);
  const users = presentUsers(population.rowOf);
  const usable = all.filter((campaign) => isUsable(campaign, users));
  if (usable.length < options.least) throw tooFew(options.source, all.length, usable.length, options.least);
  const rng = createRng(`served/${options.seed}`);
  const test = options.test
    ? Math.min(Math.max(Math.round(HELD_OUT.share * usable.length), HELD_OUT.least), HELD_OUT.most)
    : 0;
  const campaigns = usable.map((campaign, i) =>
    i < usable.length - test
      ? trainCampaign(campaign, users, rng.fork(campaign.id))
      : testCampaign(campaign, users, rng.fork(campaign.id)),
  );
  const used = new Set(usable);
  const dataSet = {
    path: options.source,
    name: options.source,
    userFeatures,
    campaignFeatures: featuresOfValues(usable.map(({ features }) => features)),
  };
  const first = usable.length - test;
  const prepared = {
    dataSet,
    population,
    userFeatures,
    history: { campaigns, skipped: [] },
    until: new Date(usable[first - 1]!.createdAt),
    close() {},
  };
  return {
    prepared,
    tooSmall: all.filter((campaign) => !used.has(campaign)).map(({ id }) => id),
    testedAt: usable.slice(first).map(({ createdAt }) => createdAt),
  };
}

function tooFew(source: string, all: number, usable: number, least: number): AppError {
  return new AppError(
    'invalid_data',
    `${source} has ${usable} campaigns that have an audience and at least ${LEAST_SEEDS} known seeds matching the ` +
      `campaign's filters (of ${all} with an audience), but ${least} are needed. Until then, train on the users alone ` +
      '(train --population DIR --self-supervised)',
    { facts: { campaigns: usable, needed: least } },
  );
}

/** The campaign with only the users within its reach. */
function withinReach(campaign: ServedCampaign): ServedCampaign {
  const { reach, seeds, conversions, clicks, dismissals } = campaign;
  if (reach === undefined) return campaign;
  return {
    ...campaign,
    seeds: reachedOf(reach, seeds),
    conversions: reachedOf(reach, conversions),
    clicks: reachedOf(reach, clicks),
    dismissals: reachedOf(reach, dismissals),
  };
}

function isUsable(campaign: ServedCampaign, users: Int32Array): boolean {
  const seeds = seedsOf(campaign).length;
  if (seeds < LEAST_SEEDS || campaign.reach === undefined) return seeds >= LEAST_SEEDS;
  const { conversions, clicks, dismissals, reach } = campaign;
  const isKnown = new Set([...campaign.seeds, ...conversions, ...clicks, ...dismissals]);
  return reachedOf(reach, users).length - isKnown.size >= LEAST_SEEDS;
}

/** Seeds who did not dismiss the campaign later. */
function seedsOf({ seeds, dismissals }: ServedCampaign): Int32Array {
  const isOut = new Set(dismissals);
  return seeds.filter((user) => !isOut.has(user));
}

function trainCampaign(campaign: ServedCampaign, users: Int32Array, rng: Rng): CampaignHistory {
  const { conversions, clicks, dismissals } = campaign;
  const members = Int32Array.from(new Set([...seedsOf(campaign), ...conversions]));
  const isKnown = new Set([...members, ...clicks, ...dismissals]);
  const others = reachedOf(campaign.reach, users).filter((user) => !isKnown.has(user));
  const most = OTHERS_PER_MEMBER * members.length;
  const drawn = sample(rng, others, most);
  const isMember = new Set(members);
  const left = dismissals.filter((user) => !isMember.has(user));
  const dismissed = left.length <= most ? left : sample(rng.fork('dismissed'), left, most).sort();
  return describe(campaign, 'train', { train: labelledRows(members, dismissed, drawn) });
}

function testCampaign(campaign: ServedCampaign, users: Int32Array, rng: Rng): CampaignHistory {
  const { conversions, clicks, dismissals } = campaign;
  const members = seedsOf(campaign);
  shuffle(rng, members);
  const half = members.length >> 1;
  const hidden = members.subarray(half);
  const isOut = new Set([...members, ...conversions, ...clicks, ...dismissals]);
  const others = reachedOf(campaign.reach, users).filter((user) => !isOut.has(user));
  return describe(campaign, 'test', {
    seeds: members.slice(0, half).sort(),
    evaluation: labelledRows(hidden, sample(rng, others, TEST_OTHERS)),
  });
}

const NO_ROWS: LabelledRows = { users: new Int32Array(0), labels: new Uint8Array(0) };

function describe(
  { id, features, reach }: ServedCampaign,
  split: 'train' | 'test',
  rows: Partial<Pick<CampaignHistory, 'train' | 'seeds' | 'evaluation'>>,
): CampaignHistory {
  return {
    id,
    features,
    split,
    group: null,
    train: NO_ROWS,
    seeds: new Int32Array(0),
    evaluation: NO_ROWS,
    reach,
    ...rows,
  };
}

type Value = CampaignValues[string];

/** Maximum number of tokens of a list that a model reads. */
const MAXIMUM_LENGTH = 256;

/**
 * Returns a feature for each name, in order of first use: a number, a vector if all values have the same size, a list
 * of strings if any value is a list, otherwise a string. A name with values of different kinds is not a feature.
 */
export function featuresOfValues(campaigns: readonly CampaignValues[]): Feature[] {
  const values = new Map<string, Value[]>();
  for (const features of campaigns)
    for (const [name, value] of Object.entries(features)) values.set(name, [...(values.get(name) ?? []), value]);
  return [...values].flatMap(([name, all]) => featureOf(name, all) ?? []);
}

function featureOf(name: string, values: readonly Value[]): Feature | null {
  if (values.every((value) => typeof value === 'number')) return { name, kind: 'number' };
  if (values.every((value) => typeof value === 'string')) return { name, kind: 'single' };
  const lists = values.map((value) => (typeof value === 'string' ? [value] : value));
  if (lists.some((list) => typeof list === 'number')) return null;
  const sizes = (lists as readonly (readonly unknown[])[]).map((list) => list.length);
  const longest = Math.max(...sizes);
  const items = (lists as readonly (readonly unknown[])[]).flat();
  if (items.every((item) => typeof item === 'string'))
    return { name, kind: 'multi', maxLength: Math.min(Math.max(longest, 1), MAXIMUM_LENGTH) };
  const isVector = items.every((item) => typeof item === 'number') && sizes.every((size) => size === longest);
  return isVector ? { name, kind: 'vector', size: longest } : null;
}
