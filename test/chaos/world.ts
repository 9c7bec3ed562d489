/** The world of a chaos run: two models, a population with two versions, campaigns, and users who will be erased. */
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readModelFolder } from '../../src/model/folder.ts';
import { featureOf } from '../../src/model/manifest.ts';
import { importPopulation } from '../../src/population/import.ts';
import { openPopulation } from '../../src/population/read.ts';
import { makeCurrent } from '../../src/population/update.ts';
import { importWide, type SmallWorld, type TinyCampaign, trainTiny } from '../fixture/make-tiny-world.ts';

export interface ChaosModel {
  readonly version: string;
  readonly folder: string;
}

/** What clients and references need of a world. */
export interface World {
  /** The first one is the `--model`. */
  readonly models: readonly ChaosModel[];
  /** Never served itself: copies of it are. */
  readonly pristine: string;
  /** The versions of the population; the first is current, the last has all users of the others. */
  readonly versions: readonly string[];
  readonly campaigns: readonly TinyCampaign[];
  /** Users of all versions who are no seeds and may be erased; clients erase them in this order. */
  readonly victims: readonly string[];
}

export interface ChaosWorld extends World {
  readonly models: readonly [ChaosModel, ChaosModel];
  readonly versions: readonly [string, string];
}

/** Number of seed sets per campaign: the first has all seeds, each further one two fewer. */
export const VARIANTS = 3;
const FEWER = 2;
/** Every tenth user is missing from the second version. */
const LEFT_OUT = 10;
/** Both versions of the population have more than two segments of users. */
const CLUSTER_USERS = 150_000;
const PLAIN = /^[\w-]+$/;

/** The users of the world: by default, those of the small world. */
type Users = Pick<SmallWorld, 'data' | 'population' | 'userIds'>;

/** Models are trained with the small world, whose seeds must be among the users. */
export async function makeChaosWorld(tiny: SmallWorld, folder: string, users: Users = tiny): Promise<ChaosWorld> {
  const pristine = join(folder, 'pristine');
  cpSync(users.population, pristine, { recursive: true });
  const first = openPopulation(pristine).version;
  const source = join(folder, 'second');
  mkdirSync(source);
  cpSync(join(users.data, 'dataset.json'), join(source, 'dataset.json'));
  const lines = readFileSync(join(users.data, 'users.ndjson'), 'utf8').trim().split('\n');
  const newcomers = [1, 2, 3].map((i) => JSON.stringify({ ...JSON.parse(lines[i]!), user_id: `newcomer-${i}` }));
  const kept = lines.filter((_, i) => i % LEFT_OUT !== LEFT_OUT - 1);
  writeFileSync(join(source, 'users.ndjson'), `${[...kept, ...newcomers].join('\n')}\n`);
  const features = readModelFolder(tiny.model).manifest.features.user.map(featureOf);
  const second = (await importPopulation({ source, features, out: pristine })).version;
  makeCurrent(pristine, first);
  const other = join(folder, 'other-model');
  await trainTiny(tiny.data, other, { seed: 7 });
  const seeds = new Set(tiny.campaigns.flatMap((campaign) => campaign.seeds));
  const victims = users.userIds.filter((id, i) => i % LEFT_OUT === 4 && PLAIN.test(id) && !seeds.has(id));
  return {
    models: [modelOf(tiny.model), modelOf(other)],
    pristine,
    versions: [first, second],
    campaigns: tiny.campaigns,
    victims,
  };
}

function modelOf(folder: string): ChaosModel {
  return { version: readModelFolder(folder).manifest.version, folder };
}

/** The seeds of a campaign's variant. */
export function seedsOf({ seeds }: TinyCampaign, variant: number): readonly string[] {
  return seeds.slice(0, seeds.length - FEWER * variant);
}

/** The variant with this number of seeds. */
export function variantOf({ seeds }: TinyCampaign, count: number): number {
  return (seeds.length - count) / FEWER;
}

/**
 * The world of a cluster, whose population has three segments, so that each expansion has three ranges. `folder` must
 * exist.
 */
export async function makeClusterWorld(tiny: SmallWorld, folder: string): Promise<ChaosWorld> {
  const wide = { data: join(folder, 'wide-data'), population: join(folder, 'wide') };
  await importWide(tiny.model, { ...wide, users: CLUSTER_USERS });
  const lines = readFileSync(join(wide.data, 'users.ndjson'), 'utf8').trimEnd().split('\n');
  const userIds = lines.map((line) => JSON.parse(line).user_id as string);
  const world = await makeChaosWorld(tiny, folder, { ...wide, userIds });
  for (const made of [wide.data, wide.population, join(folder, 'second')]) rmSync(made, { recursive: true });
  return world;
}
