/** Writes synthetic data sets: people with readable traits and known tastes, and campaigns that some people like. */

import { AppError } from '../../lib/errors.ts';
import { createRng, type Rng } from '../../lib/rng.ts';
import type { SpecialCategory } from '../../lib/special-categories.ts';
import { sampleSeeds, testRows, trainRows, type WrittenCampaign, writeDataSet } from '../data-set-writer.ts';
import { topShare } from './members.ts';
import { TASTE_COUNT } from './synthetic-names.ts';
import { CAMPAIGN_FEATURES, createWorld, type PlantedCampaign, USER_FEATURES, type World } from './synthetic-world.ts';

/** The size and other properties of a synthetic data set. */
export interface SyntheticOptions {
  /** Folder of the data set, which is created if it does not exist. Existing files are replaced. */
  readonly out: string;
  readonly users: number;
  readonly trainCampaigns: number;
  readonly testCampaigns: number;
  /**
   * The key that determines the people and the campaigns. The same key with the same options produces the same bytes.
   */
  readonly seed: string;
  /**
   * The key that determines what traits and tokens mean. A model works with all data sets from the same world. The
   * default is `demo`.
   */
  readonly world?: string;
  /** Mean number of interests and brands per person before duplicates are dropped. The default is 14. */
  readonly tokensPerUser?: number;
  /** Share of the users who are members of a campaign. The default is .04. */
  readonly audienceShare?: number;
  /** Noise in the choice of a campaign's members, in standard deviations of the true affinity. The default is 1. */
  readonly noise?: number;
  /**
   * Maximum number of members among a train campaign's rows. There are 10 non-members per member. The default is 500.
   */
  readonly trainMembers?: number;
  /** Whether features and campaigns are labelled for special categories; false by default. */
  readonly labels?: boolean;
}

/** For each feature, the categories that exclude it in labelled data sets. */
const EXCLUDED_FOR: Readonly<Record<string, readonly SpecialCategory[]>> = {
  age_band: ['housing', 'employment', 'credit'],
  city: ['housing', 'credit'],
};
/** Product categories of campaigns that are labelled as credit. */
const FINANCE = ['bank_account', 'broker'];

/** A summary of the data set. */
export interface SyntheticDataSet {
  readonly users: number;
  readonly trainCampaigns: number;
  /**
   * Test campaigns in the order of campaigns.ndjson. `members` is the number of hidden members (eval rows with label
   * 1).
   */
  readonly testCampaigns: readonly TestCampaign[];
}

export interface TestCampaign {
  readonly id: string;
  readonly group: 'small' | 'large';
  readonly seeds: number;
  readonly members: number;
}

const SEED_COUNTS = { small: 50, large: 200 } as const;
/**
 * Minimum number of users. With fewer users, no campaign would have enough members for both seeds and hidden members.
 */
const MINIMUM_USERS = 200;

/**
 * Writes dataset.json, users.ndjson, campaigns.ndjson and interactions.csv. Train campaigns have up to `trainMembers`
 * members, and 10 non-members per member. Test campaigns alternate between `small` (50 seeds) and `large` (200 seeds,
 * but at most half of the members). In a test campaign, every user who is not a seed has an eval row, and label 1 in
 * the eval rows is the ground truth.
 */
export async function generateDataSet(options: SyntheticOptions): Promise<SyntheticDataSet> {
  const { out, users, seed } = options;
  if (!(Number.isInteger(users) && users >= MINIMUM_USERS))
    throw new AppError('invalid_argument', `${users} users are too few; at least ${MINIMUM_USERS} are needed`);
  const settings = {
    tokensPerUser: 14,
    audienceShare: 0.04,
    noise: 1,
    trainMembers: 500,
    world: 'demo',
    labels: false,
    ...options,
  };
  const world = createWorld(settings.world);
  const rng = createRng(`synthetic data/${seed}`);
  const people: People = {
    ages: new Uint8Array(users),
    countries: new Uint8Array(users),
    tastes: new Float32Array(users * TASTE_COUNT),
  };
  const testCampaigns: TestCampaign[] = [];
  await writeDataSet(out, {
    users: sampleUsers(world, rng.fork('people'), people, settings.tokensPerUser),
    campaigns: sampleCampaigns(world, rng, people, settings, testCampaigns),
    description: describe(settings),
  });
  return { users, trainCampaigns: settings.trainCampaigns, testCampaigns };
}

/** The data about people that is kept in memory: only what determines which campaigns people like. */
interface People {
  readonly ages: Uint8Array;
  readonly countries: Uint8Array;
  /** `[users, TASTE_COUNT]` */
  readonly tastes: Float32Array;
}

/** Samples people, fills `people`, and yields the records. */
function* sampleUsers(world: World, rng: Rng, people: People, tokensPerUser: number): Generator<object> {
  for (let u = 0; u < people.ages.length; u++) {
    const person = world.samplePerson(rng, tokensPerUser);
    people.ages[u] = person.age;
    people.countries[u] = person.country;
    people.tastes.set(person.tastes, u * TASTE_COUNT);
    yield { user_id: userId(u), ...person.traits };
  }
}

interface Settings {
  readonly trainCampaigns: number;
  readonly testCampaigns: number;
  readonly audienceShare: number;
  readonly noise: number;
  readonly trainMembers: number;
  readonly labels: boolean;
}

/** Samples and yields campaigns, and adds the test campaigns to `made`. */
function* sampleCampaigns(
  world: World,
  rng: Rng,
  people: People,
  settings: Settings,
  made: TestCampaign[],
): Generator<WrittenCampaign> {
  for (let c = 0; c < settings.trainCampaigns + settings.testCampaigns; c++) {
    const id = `campaign-${String(c + 1).padStart(3, '0')}`;
    const stream = rng.fork(id);
    const campaign = world.sampleCampaign(stream);
    const isMember = topShare(affinities(campaign, people), settings.audienceShare, settings.noise, stream);
    const membership = { id, isMember, idOf: userId };
    const record = { campaign_id: id, ...campaign.features, ...(settings.labels && labelsOf(campaign)) };
    if (c < settings.trainCampaigns) {
      yield { record: { ...record, split: 'train' }, rows: trainRows(membership, settings.trainMembers, stream) };
      continue;
    }
    const group = (c - settings.trainCampaigns) % 2 === 0 ? 'small' : 'large';
    const seeds = sampleSeeds(isMember, SEED_COUNTS[group], stream);
    const members = isMember.reduce((sum, one) => sum + one, 0) - seeds.length;
    made.push({ id, group, seeds: seeds.length, members });
    yield { record: { ...record, split: 'test', group }, rows: testRows(membership, seeds) };
  }
}

function affinities(campaign: PlantedCampaign, { ages, countries, tastes }: People): Float64Array {
  return Float64Array.from(ages, (age, u) => campaign.affinity(age, countries[u]!, tastes, u * TASTE_COUNT));
}

function userId(u: number): string {
  return `person-${String(u + 1).padStart(6, '0')}`;
}

/** The label of a campaign that offers credit; empty for other campaigns. */
function labelsOf({ features }: PlantedCampaign): object {
  return FINANCE.includes(features['category'] as string) ? { special_categories: ['credit'] } : {};
}

function describe(settings: SyntheticOptions & { readonly world: string; readonly labels: boolean }): object {
  const { users, trainCampaigns, testCampaigns, world, seed, labels } = settings;
  return {
    name: 'synthetic-people',
    user_features: labels
      ? USER_FEATURES.map((feature) => ({ ...feature, excluded_for: EXCLUDED_FOR[feature.name] }))
      : USER_FEATURES,
    campaign_features: CAMPAIGN_FEATURES,
    made:
      `Synthetic: no real people or brands. Tastes are generated (world ${world}, seed ${seed}); they decide ` +
      'which campaigns people like, and traits reveal them in part.',
    licence: 'Apache-2.0',
    counts: { users, campaigns_train: trainCampaigns, campaigns_test: testCampaigns },
    rng_seed: seed,
  };
}
