/** A tiny MetaHeac as a model folder, and ways to change a folder so that all checksums and the version still fit. */

import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import {
  type Feeds,
  type Graph,
  openSession,
  type Tensor,
  tensor,
  writeModel,
} from '../../packages/onnx-grad/index.ts';
import { createRng } from '../../src/lib/rng.ts';
import type { MetaHeacFeature } from '../../src/model/architectures/feature-inputs.ts';
import { buildMetaHeac, type MetaHeacConfig, randomInitial } from '../../src/model/architectures/metaheac.ts';
import { type UnversionedModel, writeModelFolder } from '../../src/model/folder.ts';
import type { Manifest, ManifestFeature } from '../../src/model/manifest.ts';

export const TINY: MetaHeacConfig = {
  user: [
    { name: 'age', kind: 'single', rows: 5 },
    { name: 'tags', kind: 'multi', maxLength: 3, rows: 6 },
  ],
  campaign: [
    { name: 'topic', kind: 'single', rows: 4 },
    { name: 'words', kind: 'multi', maxLength: 2, rows: 5 },
  ],
  embedding: 2,
  hidden: [4, 3],
  experts: 2,
  critics: 3,
};

export function tinyGraph(config: MetaHeacConfig = TINY, key = 'tiny'): Graph {
  return buildMetaHeac(config, randomInitial(createRng(key)));
}

const ADAPTATION: Manifest['adaptation'] = {
  optimiser: 'adam',
  rate: 0.01,
  epochs: 2,
  batch: 32,
  negatives_per_seed: 2,
  resample_negatives: true,
  early_stopping: null,
};

/** Random ids for every input of a graph that is made by `buildMetaHeac`, from one row on. */
export function randomFeeds(config: MetaHeacConfig, rows: number, key: string): Feeds {
  const rng = createRng(key);
  const feeds: Record<string, Tensor> = {};
  const add = (name: string, count: number, feature: MetaHeacFeature) => {
    const ids = (size: number) => Int32Array.from({ length: size }, () => rng.integer(feature.rows));
    if (feature.kind === 'number' || feature.kind === 'vector') {
      const size = feature.scale!.means.length;
      // some are far out, some are missing
      const numbers = Float32Array.from({ length: count * size }, () => 3 * rng.normal());
      if (count > 1) numbers.fill(Number.NaN, 0, size);
      feeds[name] = tensor('float32', feature.kind === 'vector' ? [count, size] : [count], numbers);
      return;
    }
    if (feature.kind === 'single') {
      feeds[name] = tensor('int32', [count], ids(count));
      return;
    }
    const width = feature.maxLength!;
    feeds[name] = tensor('int32', [count, width], ids(count * width));
    feeds[`${name}.length`] = tensor(
      'int32',
      [count],
      Int32Array.from({ length: count }, () => rng.integer(width + 1)),
    );
  };
  for (const feature of config.user) add(`user.${feature.name}`, rows, feature);
  for (const feature of config.campaign) add(`campaign.${feature.name}`, 1, feature);
  return feeds;
}

export async function scoresOf(graph: Graph, feeds: Feeds): Promise<Float32Array> {
  const session = await openSession(graph);
  const out = await session.run(feeds, { outputs: ['score'] });
  await session.close();
  return out['score']!.data as Float32Array;
}

/** The draft of a model folder around `graph`, which has the inputs of `config`. */
export async function unversionedModel(graph: Graph, config: MetaHeacConfig = TINY): Promise<UnversionedModel> {
  const describe = ({ name, kind, maxLength = 1, rows }: MetaHeacFeature): ManifestFeature =>
    kind === 'multi'
      ? { name, kind, max_length: maxLength, vocabulary_size: rows }
      : { name, kind: 'single', vocabulary_size: rows };
  const feeds = randomFeeds(config, 4, 'golden');
  const scores = await scoresOf(graph, feeds);
  const tokens = (side: string, features: readonly MetaHeacFeature[]) =>
    features.map(({ name, rows }): [string, string[]] => [
      `${side}.${name}`,
      Array.from({ length: rows - 1 }, (_, i) => `${name} ${i + 1}`),
    ]);
  return {
    files: new Map([['model.onnx', writeModel(graph)]]),
    vocabularies: new Map([...tokens('user', config.user), ...tokens('campaign', config.campaign)]),
    manifest: {
      name: 'tiny',
      created: '2026-11-25T12:00:00.000Z',
      features: { user: config.user.map(describe), campaign: config.campaign.map(describe) },
      adapted_parameters: 'all',
      adaptation: ADAPTATION,
      evaluation: null,
      training: null,
      golden_batch: {
        inputs: Object.fromEntries(
          Object.entries(feeds).map(([name, { shape, data }]) => [
            name,
            { shape: [...shape], data: Array.from(data as Int32Array) },
          ]),
        ),
        scores: Array.from(scores),
      },
    },
  };
}

/** Writes the tiny model into `path`; `change` may alter it before it is checksummed. */
export async function writeTinyModel(
  path: string,
  change: (unversioned: UnversionedModel) => Partial<UnversionedModel> = () => ({}),
): Promise<Manifest> {
  const unversioned = await unversionedModel(tinyGraph());
  return writeModelFolder(path, { ...unversioned, ...change(unversioned) });
}

/** `manifest.json` as plain data. */
export type PlainManifest = Record<string, unknown> & {
  files: Record<string, string>;
  features: { user: Record<string, unknown>[]; campaign: Record<string, unknown>[] };
  golden_batch: { inputs: Record<string, { shape: number[]; data: number[] }>; scores: number[] };
};

export function readPlainManifest(path: string): PlainManifest {
  return JSON.parse(readFileSync(join(path, 'manifest.json'), 'utf8')) as PlainManifest;
}

/** Changes manifest.json; with `sign` its version is made to fit again. */
export function changeManifest(path: string, change: (manifest: PlainManifest) => void, sign = true): void {
  const manifest = readPlainManifest(path);
  change(manifest);
  if (sign) manifest['version'] = versionAsPublished(manifest);
  writeFileSync(join(path, 'manifest.json'), JSON.stringify(manifest));
}

/** Replaces a file of the folder, its checksum and the version. */
export function replaceFile(path: string, file: string, bytes: Uint8Array | string): void {
  mkdirSync(dirname(join(path, file)), { recursive: true });
  writeFileSync(join(path, file), bytes);
  changeManifest(path, ({ files }) => {
    files[file] = createHash('sha256').update(bytes).digest('hex');
  });
}

/** The version as README.md defines it, worked out here on its own: what another exporter would do. */
export function versionAsPublished(manifest: Record<string, unknown>): string {
  const { created, version, ...rest } = manifest;
  return createHash('sha256').update(sortedJson(rest)).digest('hex').slice(0, 12);
}

function sortedJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(sortedJson).join(',')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${sortedJson(item)}`).join(',')}}`;
}
