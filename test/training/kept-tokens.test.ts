/** A vocabulary that is cut: which tokens stay, and what the matrix and the trained model then know. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { CPU } from '../../packages/onnx-grad/index.ts';
import type { Feature } from '../../src/dataset/features.ts';
import { loadModel } from '../../src/model/load.ts';
import { bind } from '../../src/online/binding.ts';
import { encodeUsers } from '../../src/online/encode.ts';
import { importPopulation } from '../../src/population/import.ts';
import { openPopulation, type Population } from '../../src/population/read.ts';
import { prepareTrainingData } from '../../src/training/choices/past-campaigns-choice.ts';
import { keepTokens } from '../../src/training/history/kept-tokens.ts';
import { buildOneHot, findColumn } from '../../src/training/history/one-hot.ts';
import { DEFAULT_TRAIN_SETTINGS } from '../../src/training/settings.ts';
import { train } from '../../src/training/train.ts';
import { temporaryFolder } from '../fixture/folders.ts';
import { writeSmallDataSet } from './small-data-set.ts';

const FEATURES: readonly Feature[] = [
  { name: 'city', kind: 'single' },
  { name: 'likes', kind: 'multi', maxLength: 2 },
];
/** likes: w once, x twice, y three times, z twice. */
const USERS = [
  { user_id: 'a', city: 'Rome', likes: ['w', 'x', 'y', 'z'] },
  { user_id: 'b', city: 'Oslo', likes: ['x', 'y'] },
  { user_id: 'c', city: 'Rome', likes: ['y', 'z'] },
];

let root = '';
let population: Population;

beforeAll(async () => {
  root = temporaryFolder();
  const source = join(root, 'source');
  mkdirSync(source);
  const features = { user_features: FEATURES.map(({ name, kind }) => ({ name, kind })), campaign_features: [] };
  writeFileSync(join(source, 'dataset.json'), JSON.stringify({ name: 'tiny', ...features }));
  writeFileSync(join(source, 'users.ndjson'), USERS.map((user) => `${JSON.stringify(user)}\n`).join(''));
  const out = join(root, 'population');
  await importPopulation({ source, features: FEATURES, out });
  population = openPopulation(out);
});

const tokens = (feature: string, codes: Int32Array) =>
  Array.from(codes, (code) => population.dictionary(feature).token(code));

describe('keepTokens', () => {
  it('keeps the tokens that most users have, of equal ones those that came first, and reports what it cut', () => {
    const [city, likes] = keepTokens(population, FEATURES, 2);
    expect(city).toEqual(FEATURES[0]);
    expect(tokens('likes', likes!.kept!.codes)).toEqual(['x', 'y']);
    expect(likes!.kept!.cutShare).toBeCloseTo(3 / 8, 12);
    expect(Array.from(likes!.kept!.ids)).toEqual([0, 0, 1, 2, 0]);
  });

  it('changes nothing if no feature has more', () => {
    expect(keepTokens(population, FEATURES, 4)).toBe(FEATURES);
  });
});

describe('a matrix of kept tokens', () => {
  it('has columns for them alone, and fills lists with the next one that is kept', () => {
    const features = keepTokens(population, FEATURES, 2);
    const { offsets, tokens: columns, width } = buildOneHot(population, features);
    const column = (token: string) => findColumn(population, features, 'likes', token);
    expect(width).toBe(6);
    expect([column('w'), column('x'), column('y'), column('z')]).toEqual([-1, 4, 5, -1]);
    const likesOf = (user: string) => {
      const number = population.directory.find(user);
      return [...columns.subarray(offsets[number]!, offsets[number + 1]!)].filter((one) => one > 2);
    };
    expect(USERS.map(({ user_id }) => likesOf(user_id))).toEqual([[4, 5], [4, 5], [5]]);
  });
});

describe('a model of kept tokens', () => {
  it('knows them alone, and reads users with others', async () => {
    const campaigns = Array.from({ length: 6 }, (_, i) => ({
      id: `c${i}`,
      split: 'train' as const,
      rows: 60,
      members: 20,
    }));
    const data = writeSmallDataSet(join(root, 'small'), campaigns);
    const prepared = await prepareTrainingData(data, { pastCampaigns: 'never', seed: 1, maximumTokens: 3 });
    const out = join(root, 'model');
    await train(prepared, {
      ...{ out, device: CPU, resume: false, signal: new AbortController().signal },
      clock: { now: () => 0, elapsed: () => 0 },
      settings: { ...DEFAULT_TRAIN_SETTINGS, experts: 2, critics: 2, embedding: 4, steps: 2, batchSize: 32 },
    });
    const { manifest, folder, graph } = await loadModel(out);
    const known = manifest.features.user.map((one) => ('vocabulary_size' in one ? one.vocabulary_size - 1 : 0));
    expect(Math.max(...known)).toBe(3);
    const binding = bind(folder, prepared.population);
    expect(Math.max(...binding.features.map(({ unknownTokens }) => unknownTokens))).toBeGreaterThan(0);
    const counts = { unknown: 0, tokens: 0, dropped: 0 };
    encodeUsers(graph, binding, prepared.population.readSegment(0), { counts });
    expect(counts.unknown).toBeGreaterThan(0);
    expect(counts.unknown).toBeLessThan(counts.tokens / 2);
    prepared.close();
  });
});
