/** A small population and a model of its schema, as real folders, for the online stage. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Feature } from '../../src/dataset/features.ts';
import { createRng } from '../../src/lib/rng.ts';
import type { MetaHeacConfig } from '../../src/model/architectures/metaheac.ts';
import { writeModelFolder } from '../../src/model/folder.ts';
import { type GeneralModel, loadModel } from '../../src/model/load.ts';
import type { AdamSettings } from '../../src/model/manifest.ts';
import { bind } from '../../src/online/binding.ts';
import { type OnlineContext, openOnlineProgram } from '../../src/online/online-context.ts';
import { importPopulation } from '../../src/population/import.ts';
import { openPopulation, type Population } from '../../src/population/read.ts';
import { newFolder, temporaryFolder } from '../fixture/folders.ts';
import { tinyGraph, unversionedModel } from '../model/tiny-model.ts';

/** The model knows `age 1` .. `age 4`, `tags 1` .. `tags 5`, `topic 1` .. `topic 3`, `words 1` .. `words 4`. */
export const CONFIG: MetaHeacConfig = {
  user: [
    { name: 'age', kind: 'single', rows: 5 },
    { name: 'tags', kind: 'multi', maxLength: 3, rows: 6 },
  ],
  campaign: [
    { name: 'topic', kind: 'single', rows: 4 },
    { name: 'words', kind: 'multi', maxLength: 2, rows: 5 },
  ],
  embedding: 4,
  hidden: [8, 8],
  experts: 2,
  critics: 2,
};

const FEATURES: readonly Feature[] = [
  { name: 'age', kind: 'single' },
  { name: 'tags', kind: 'multi' },
];

export interface User {
  readonly user_id: string;
  readonly [feature: string]: unknown;
}

/** Imports `users` into a population in a new folder of `root`. */
export async function populationOf(
  root: string,
  users: readonly User[],
  features: readonly Feature[] = FEATURES,
): Promise<Population> {
  const source = newFolder(root);
  writeFileSync(
    join(source, 'dataset.json'),
    JSON.stringify({ name: 'small', user_features: features, campaign_features: [] }),
  );
  writeFileSync(join(source, 'users.ndjson'), users.map((user) => `${JSON.stringify(user)}\n`).join(''));
  const out = newFolder(root);
  await importPopulation({ source, features, out });
  return openPopulation(out);
}

const SETTINGS: AdamSettings = {
  optimiser: 'adam',
  rate: 0.02,
  epochs: 3,
  batch: 64,
  negatives_per_seed: 3,
  resample_negatives: true,
  early_stopping: null,
};

/** Writes and loads a MetaHeac of `config`. */
export async function modelOf(
  root: string,
  settings: Partial<AdamSettings> = {},
  config: MetaHeacConfig = CONFIG,
): Promise<GeneralModel> {
  const path = newFolder(root);
  const unversioned = await unversionedModel(tinyGraph(config, 'world'), config);
  writeModelFolder(path, {
    ...unversioned,
    manifest: { ...unversioned.manifest, adaptation: { ...SETTINGS, ...settings } },
  });
  return loadModel(path);
}

/**
 * `count` users; the model knows all ages and tags except `age 5`, `tags 6` and `tags 7`. Every third likes `tags 1`.
 */
function sampleUsers(count: number, key = 'users'): User[] {
  const rng = createRng(key);
  return Array.from({ length: count }, (_, i) => ({
    user_id: `user-${String(i).padStart(4, '0')}`,
    age: rng.integer(8) === 0 ? null : `age ${1 + rng.integer(5)}`,
    tags: [
      ...(i % 3 === 0 ? ['tags 1'] : []),
      ...Array.from({ length: rng.integer(5) }, () => `tags ${2 + rng.integer(6)}`),
    ],
  }));
}

export interface World {
  readonly root: string;
  readonly context: OnlineContext;
  close(): Promise<void>;
}

/** A population of `count` drawn users and a model, bound. */
export async function openWorld(count: number, settings: Partial<AdamSettings> = {}): Promise<World> {
  const root = newRoot();
  const population = await populationOf(root, sampleUsers(count));
  const model = await modelOf(root, settings);
  const program = await openOnlineProgram(model);
  return {
    root,
    context: { model, population, binding: bind(model.folder, population), program },
    async close() {
      await program.steps.close();
      rmSync(root, { recursive: true, force: true });
    },
  };
}

export function newRoot(): string {
  const root = temporaryFolder();
  return root;
}

/** Rows of those who like `tags 1`, and of those who do not, ascending. */
export function splitRows(population: Population): { fans: Int32Array; others: Int32Array } {
  const all = Int32Array.from({ length: population.rowCount }, (_, row) => row);
  const { userNumbers } = population.readRows(all);
  const isFan = (row: number): boolean => Number(population.directory.id(userNumbers[row]!).slice(5)) % 3 === 0;
  return { fans: all.filter(isFan), others: all.filter((row) => !isFan(row)) };
}
