/**
 * MetaHeac at the sizes of the Tencent Look-alike data (k = 64, 22 million parameters), with random parameters and
 * users: the sizes of the PyTorch peer.
 */
import { appendFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Graph, type LabelledBatch, type Tensor, tensor } from '../../packages/onnx-grad/index.ts';
import { createRng, type Rng } from '../../src/lib/rng.ts';
import { buildMetaHeac, type MetaHeacConfig, randomInitial } from '../../src/model/architectures/metaheac.ts';
import { type UnversionedModel, writeModelFolder } from '../../src/model/folder.ts';
import type { AdamSettings } from '../../src/model/manifest.ts';
import type { CampaignValues } from '../../src/online/encode.ts';
import { importPopulation } from '../../src/population/import.ts';
import { assembleInitialModel, type InitialModel } from '../../src/training/meta/initial-model.ts';
import { unversionedModel } from '../model/tiny-model.ts';

const SINGLE = { carrier: 4, consumptionAbility: 3, LBS: 856, age: 6, education: 8, gender: 3, house: 2 };
const MULTI = {
  interest1: [125, 10],
  interest2: [83, 10],
  interest3: [13, 10],
  kw1: [263_313, 5],
  kw2: [49_781, 5],
  topic1: [10_003, 5],
  topic2: [9985, 5],
} as const;
const CAMPAIGN = {
  advertiserId: 79,
  campaignId: 138,
  creativeSize: 15,
  adCategoryId: 40,
  productId: 33,
  productType: 4,
};
const single = (sizes: Record<string, number>) =>
  Object.entries(sizes).map(([name, rows]) => ({ name, kind: 'single' as const, rows }));
const multi = Object.entries(MULTI).map(([name, [rows, maxLength]]) => ({
  name,
  kind: 'multi' as const,
  rows,
  maxLength,
}));

export const LARGE = {
  user: [...single(SINGLE), ...multi],
  campaign: single(CAMPAIGN),
  embedding: 64,
  hidden: [64, 64],
  experts: 8,
  critics: 5,
} as const satisfies MetaHeacConfig;

/** The features of a campaign in the benchmarks. */
export const LARGE_CAMPAIGN: CampaignValues = Object.fromEntries(
  Object.keys(CAMPAIGN).map((name) => [name, `${name} 1`]),
);

/** Users written to the data set at a time. */
const WRITTEN_AT_ONCE = 8192;

function largeModel(): Graph {
  return buildMetaHeac(LARGE, randomInitial(createRng('bench')));
}

/** The model as training and adaptation use it, before it has a folder. */
export async function openLargeModel(adaptation: AdamSettings): Promise<InitialModel> {
  const graph = largeModel();
  const { manifest, vocabularies } = await unversionedModel(graph, LARGE);
  return assembleInitialModel({
    name: 'large',
    graph,
    manifest: { features: manifest.features, adaptation },
    tokens: vocabularies,
  });
}

/** Writes the model's folder. */
export async function writeLargeModel(path: string): Promise<void> {
  const model: UnversionedModel = await unversionedModel(largeModel(), LARGE);
  writeModelFolder(path, model);
}

/**
 * Imports `users` users into `folder`/large-population and returns its path: every token, and every length of a list,
 * is equally likely.
 */
export async function writeLargePopulation(folder: string, users: number): Promise<string> {
  const source = join(folder, 'large-data');
  const out = join(folder, 'large-population');
  const features = LARGE.user.map(({ name, kind }) => ({ name, kind }));
  mkdirSync(source);
  writeFileSync(
    join(source, 'dataset.json'),
    JSON.stringify({ name: 'large', user_features: features, campaign_features: [] }),
  );
  const rng = createRng('bench users');
  const file = join(source, 'users.ndjson');
  for (let from = 0; from < users; from += WRITTEN_AT_ONCE) {
    const count = Math.min(WRITTEN_AT_ONCE, users - from);
    const lines = Array.from({ length: count }, (_, i) => `${JSON.stringify(randomUser(rng, from + i))}\n`);
    appendFileSync(file, lines.join(''));
  }
  await importPopulation({ source, features, out });
  rmSync(source, { recursive: true });
  return out;
}

function randomUser(rng: Rng, number: number): Record<string, unknown> {
  const token = (name: string, rows: number) => `${name} ${1 + rng.integer(rows - 1)}`;
  const user: Record<string, unknown> = { user_id: `user-${number}` };
  for (const [name, rows] of Object.entries(SINGLE)) user[name] = token(name, rows);
  for (const [name, [rows, maxLength]] of Object.entries(MULTI))
    user[name] = Array.from({ length: rng.integer(maxLength + 1) }, () => token(name, rows));
  return user;
}

/** `count` random users with random labels, for one campaign. */
export function randomBatch(count: number, seed: string): LabelledBatch {
  const rng = createRng(seed);
  const ints = (shape: number[], bound: number): Tensor =>
    tensor(
      'int32',
      shape,
      Int32Array.from({ length: shape.reduce((p, d) => p * d, 1) }, () => rng.integer(bound)),
    );
  const feeds: Record<string, Tensor> = {};
  for (const [name, rows] of Object.entries(SINGLE)) feeds[`user.${name}`] = ints([count], rows);
  for (const [name, [rows, maxLength]] of Object.entries(MULTI)) {
    feeds[`user.${name}`] = ints([count, maxLength], rows);
    feeds[`user.${name}.length`] = ints([count], maxLength + 1);
  }
  for (const [name, rows] of Object.entries(CAMPAIGN)) feeds[`campaign.${name}`] = ints([1], rows);
  return { feeds, labels: Float32Array.from({ length: count }, () => (rng.uniform() < 0.1 ? 1 : 0)) };
}
