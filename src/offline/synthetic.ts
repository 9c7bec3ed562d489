/** Writes synthetic data sets: people with readable traits and planted tastes, campaigns that some of them like. */
import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '../lib/errors.ts';
import { createRng, type Rng, sampleWithoutReplacement } from '../lib/rng.ts';
import {
  CAMPAIGN_FEATURES,
  createWorld,
  type PlantedCampaign,
  TASTE_COUNT,
  USER_FEATURES,
  type World,
} from './synthetic-world.ts';

/** What to make. */
export interface SyntheticOptions {
  /** Folder of the data set; made if it is not there, its files replaced if they are. */
  readonly out: string;
  readonly users: number;
  readonly trainCampaigns: number;
  readonly testCampaigns: number;
  /** Fixes the people and the campaigns; the same options give the same bytes. */
  readonly seed: string;
  /** Fixes what traits and tokens mean: models fit data sets of the same world. Default `demo`. */
  readonly world?: string;
  /** Mean number of interests and brands of a person before repetitions are dropped. Default 14. */
  readonly tokensPerUser?: number;
  /** Members of a campaign as a share of the users. Default .04. */
  readonly audienceShare?: number;
  /** Chance in who likes a campaign, in standard deviations of the planted affinity. Default 1. */
  readonly noise?: number;
  /** Members of a train campaign that the history holds, at most (with 10 non-members each). Default 500. */
  readonly trainMembers?: number;
}

/** What was made. */
export interface SyntheticDataSet {
  readonly users: number;
  readonly trainCampaigns: number;
  /** In the order of campaigns.ndjson; `members` counts the hidden ones (eval rows with label 1). */
  readonly testCampaigns: readonly {
    readonly id: string;
    readonly group: 'small' | 'large';
    readonly seeds: number;
    readonly members: number;
  }[];
}

const SEED_COUNTS = { small: 50, large: 200 } as const;
const NEGATIVES_PER_MEMBER = 10;
/** Below this no campaign has members enough for seeds and hidden members. */
const MINIMUM_USERS = 200;
const CHUNK_BYTES = 1 << 18;

/**
 * Writes dataset.json, users.ndjson, campaigns.ndjson and interactions.csv. Train campaigns hold up to `trainMembers` members and 10 non-members
 * each; test campaigns are in turn `small` (50 seeds) and `large` (200, at most half of the members), and every other user is an eval row:
 * those with label 1 are the planted truth.
 */
export async function generateDataSet(options: SyntheticOptions): Promise<SyntheticDataSet> {
  const { out, users, seed } = options;
  if (!(Number.isInteger(users) && users >= MINIMUM_USERS))
    throw new AppError('invalid_argument', `${users} users: at least ${MINIMUM_USERS} are needed`);
  const settings = { tokensPerUser: 14, audienceShare: 0.04, noise: 1, trainMembers: 500, world: 'demo', ...options };
  const world = createWorld(settings.world);
  const rng = createRng(`synthetic data/${seed}`);
  try {
    await mkdir(out, { recursive: true });
    const people = await writeUsers(
      join(out, 'users.ndjson'),
      world,
      rng.fork('people'),
      users,
      settings.tokensPerUser,
    );
    const made = await writeCampaigns(out, world, rng, people, settings);
    await writeText(join(out, 'dataset.json'), [
      `${JSON.stringify(describe(options, settings.world, made), null, 1)}\n`,
    ]);
    return made;
  } catch (cause) {
    if (!(cause instanceof Error && 'syscall' in cause)) throw cause;
    throw new AppError('storage_failed', `cannot write the data set ${out}`, { cause });
  }
}

/** What stays in memory of the people: nothing but what decides whom they like. */
interface People {
  readonly ages: Uint8Array;
  readonly countries: Uint8Array;
  /** `[users, TASTE_COUNT]` */
  readonly tastes: Float32Array;
}

async function writeUsers(path: string, world: World, rng: Rng, users: number, tokensPerUser: number): Promise<People> {
  const people = {
    ages: new Uint8Array(users),
    countries: new Uint8Array(users),
    tastes: new Float32Array(users * TASTE_COUNT),
  };
  function* lines(): Generator<string> {
    for (let u = 0; u < users; u++) {
      const person = world.drawPerson(rng, tokensPerUser);
      people.ages[u] = person.age;
      people.countries[u] = person.country;
      people.tastes.set(person.tastes, u * TASTE_COUNT);
      yield `${JSON.stringify({ user_id: userId(u), ...person.traits })}\n`;
    }
  }
  await writeText(path, lines());
  return people;
}

async function writeCampaigns(
  out: string,
  world: World,
  rng: Rng,
  people: People,
  settings: {
    trainCampaigns: number;
    testCampaigns: number;
    audienceShare: number;
    noise: number;
    trainMembers: number;
  },
): Promise<SyntheticDataSet> {
  const testCampaigns: { id: string; group: 'small' | 'large'; seeds: number; members: number }[] = [];
  const campaigns: string[] = [];
  function* rows(): Generator<string> {
    yield 'campaign_id,user_id,label,stage\n';
    for (let c = 0; c < settings.trainCampaigns + settings.testCampaigns; c++) {
      const id = `campaign-${String(c + 1).padStart(3, '0')}`;
      const stream = rng.fork(id);
      const campaign = world.drawCampaign(stream);
      const isMember = drawMembers(campaign, people, settings.audienceShare, settings.noise, stream);
      const members = usersWhere(isMember, 1);
      if (c < settings.trainCampaigns) {
        campaigns.push(`${JSON.stringify({ campaign_id: id, ...campaign.features, split: 'train' })}\n`);
        yield* trainRows(id, members, usersWhere(isMember, 0), settings.trainMembers, stream);
        continue;
      }
      const group = (c - settings.trainCampaigns) % 2 === 0 ? 'small' : 'large';
      campaigns.push(`${JSON.stringify({ campaign_id: id, ...campaign.features, split: 'test', group })}\n`);
      const seeds = Math.min(SEED_COUNTS[group], Math.floor(members.length / 2));
      testCampaigns.push({ id, group, seeds, members: members.length - seeds });
      yield* testRows(id, isMember, pick(members, seeds, stream));
    }
  }
  await writeText(join(out, 'interactions.csv'), rows());
  await writeText(join(out, 'campaigns.ndjson'), campaigns);
  return { users: people.ages.length, trainCampaigns: settings.trainCampaigns, testCampaigns };
}

/** 1 for the `share` of the users with the greatest affinity + noise: `[users]`. */
function drawMembers(campaign: PlantedCampaign, people: People, share: number, noise: number, rng: Rng): Uint8Array {
  const users = people.ages.length;
  const liking = new Float64Array(users);
  let sum = 0;
  let squares = 0;
  for (let u = 0; u < users; u++) {
    const x = campaign.affinity(people.ages[u]!, people.countries[u]!, people.tastes, u * TASTE_COUNT);
    liking[u] = x;
    sum += x;
    squares += x * x;
  }
  const spread = Math.sqrt(squares / users - (sum / users) ** 2);
  for (let u = 0; u < users; u++) liking[u]! += noise * spread * rng.normal();
  const count = Math.max(4, Math.round(share * users));
  const cut = liking.slice().sort()[users - count]!;
  return Uint8Array.from(liking, (x) => (x >= cut ? 1 : 0));
}

function* trainRows(id: string, members: Int32Array, others: Int32Array, most: number, rng: Rng): Generator<string> {
  const shown = pick(members, most, rng);
  for (const u of shown) yield `${id},${userId(u)},1,train\n`;
  for (const u of pick(others, NEGATIVES_PER_MEMBER * shown.length, rng)) yield `${id},${userId(u)},0,train\n`;
}

function* testRows(id: string, isMember: Uint8Array, seeds: Int32Array): Generator<string> {
  const isSeed = new Set(seeds);
  for (const u of seeds) yield `${id},${userId(u)},1,seed\n`;
  for (let u = 0; u < isMember.length; u++) if (!isSeed.has(u)) yield `${id},${userId(u)},${isMember[u]},eval\n`;
}

function usersWhere(isMember: Uint8Array, wanted: 0 | 1): Int32Array {
  return Int32Array.from(isMember.keys()).filter((u) => isMember[u] === wanted);
}

/** Up to `count` of `items` by lot, in their order. */
function pick(items: Int32Array, count: number, rng: Rng): Int32Array {
  return Int32Array.from(sampleWithoutReplacement(rng, items.length, count), (i) => items[i]!).sort();
}

function userId(u: number): string {
  return `person-${String(u + 1).padStart(6, '0')}`;
}

function describe(options: SyntheticOptions, world: string, made: SyntheticDataSet): object {
  return {
    name: 'synthetic-people',
    user_features: USER_FEATURES,
    campaign_features: CAMPAIGN_FEATURES,
    made: `Synthetic: no real person or brand. Tastes are planted (world ${world}, seed ${options.seed}); traits show them in part, campaigns are liked by them.`,
    licence: 'Apache-2.0',
    counts: { users: made.users, campaigns_train: made.trainCampaigns, campaigns_test: made.testCampaigns.length },
    rng_seed: options.seed,
  };
}

/** Writes `pieces` in chunks: memory does not grow with the file. */
async function writeText(path: string, pieces: Iterable<string>): Promise<void> {
  const file = await open(path, 'w');
  try {
    let chunk: string[] = [];
    let length = 0;
    for (const piece of pieces) {
      chunk.push(piece);
      length += piece.length;
      if (length < CHUNK_BYTES) continue;
      await file.writeFile(chunk.join(''));
      chunk = [];
      length = 0;
    }
    await file.writeFile(chunk.join(''));
  } finally {
    await file.close();
  }
}
