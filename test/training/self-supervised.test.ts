/**
 * Training on a population alone: what is prepared, that it learns, and that a token does not reveal itself. Also a
 * vocabulary that is cut.
 */

import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { CPU } from '../../packages/onnx-grad/index.ts';
import type { Feature } from '../../src/dataset/features.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { AppError } from '../../src/lib/errors.ts';
import { createRng } from '../../src/lib/rng.ts';
import { loadModel } from '../../src/model/load.ts';
import { bind } from '../../src/online/binding.ts';
import { encodeUsers } from '../../src/online/encode.ts';
import { importPopulation } from '../../src/population/import.ts';
import { openPopulation, type Population } from '../../src/population/read.ts';
import { populationRidge } from '../../src/training/baselines/population-ridge.ts';
import { DEFAULT_DESCENT } from '../../src/training/choices/descent.ts';
import { prepareTrainingData } from '../../src/training/choices/past-campaigns-choice.ts';
import { chooseSetting } from '../../src/training/choices/tuning.ts';
import { openFutures, usersBefore } from '../../src/training/history/futures.ts';
import { keepTokens } from '../../src/training/history/kept-tokens.ts';
import { buildOneHot, findColumn } from '../../src/training/history/one-hot.ts';
import { prepareSelfSupervised } from '../../src/training/history/self-supervised.ts';
import { DEFAULT_TRAIN_SETTINGS } from '../../src/training/settings.ts';
import { train } from '../../src/training/train.ts';
import { temporaryFolder, useFolders } from '../fixture/folders.ts';
import { IS_LONG, itUsual } from '../fixture/size.ts';
import { populationOf } from '../online/world.ts';
import { SMALL_SETTINGS, writeSmallDataSet } from './small-data-set.ts';

const newFolder = useFolders();
const FEATURES: readonly Feature[] = [
  { name: 'city', kind: 'single' },
  { name: 'likes', kind: 'multi' },
];
const SETTINGS = {
  ...SMALL_SETTINGS,
  recipe: 'meta-heads',
  steps: 4,
  retrain: true,
  adaptation: DEFAULT_DESCENT,
} as const;

async function peopleOf(features: readonly Feature[], userOf: (user: number) => object): Promise<string> {
  const users = Array.from({ length: 300 }, (_, i) => ({ user_id: `u${i}`, ...userOf(i) }));
  return (await populationOf(newFolder(), users, features)).path;
}

/** People of two tastes: a share of `shared` of a user's tokens shows it; the rest are of any taste. */
async function tastes(shared: number): Promise<string> {
  const rng = createRng('people');
  return peopleOf(FEATURES, (user) => {
    const token = (name: string, most: number) =>
      `${name} ${rng.uniform() < shared ? user % 2 : rng.integer(2)}.${rng.integer(most)}`;
    return { city: token('city', 2), likes: Array.from({ length: 4 }, () => token('like', 6)) };
  });
}

describe('prepareSelfSupervised', () => {
  itUsual('is the population with tokens as train campaigns, and no test campaigns', async () => {
    const path = await tastes(1);
    const { prepared, chosen } = prepareSelfSupervised(path, { seed: 1 });
    expect(prepared.dataSet).toMatchObject({ name: basename(path), campaignFeatures: [] });
    expect(prepared.userFeatures).toEqual([FEATURES[0], { ...FEATURES[1], maxLength: 4 }]);
    expect(chosen.map(({ feature, campaigns }) => [feature, campaigns])).toEqual([
      ['city', 4],
      ['likes', 12],
    ]);
    expect(prepared.history.campaigns).toHaveLength(16);
    expect(prepared.history.campaigns.every(({ split }) => split === 'train')).toBe(true);
    expect([...prepared.hidden!.byCampaign.keys()].sort()).toEqual(
      prepared.history.campaigns.map(({ id }) => id).sort(),
    );
  });

  itUsual('removes from everybody what campaigns of a future hide, and keeps the lengths of lists', async () => {
    const { prepared } = prepareSelfSupervised(await tastes(1), { seed: 1 });
    const futures = openFutures(prepared, prepared.userFeatures);
    const future = futures.campaigns.slice(0, 4);
    const before = usersBefore(futures, future);
    const columns = future.map(({ id }) => {
      const [feature, token] = id.split('=') as [string, string];
      return findColumn(prepared.population, prepared.userFeatures, feature, token);
    });
    for (const column of columns) {
      expect(futures.oneHot.tokens).toContain(column);
      expect(before.tokens).not.toContain(column);
    }
    // a user who already has the drawn token has one fewer
    expect(before.tokens.length).toBeGreaterThan(0.9 * futures.oneHot.tokens.length);
  });

  itUsual(
    'does not let a token reveal its own holders: without tastes they are found no better than by chance',
    async () => {
      const aucOf = (folder: string) => {
        const { prepared } = prepareSelfSupervised(folder, { seed: 1 });
        const futures = openFutures(prepared, prepared.userFeatures);
        const { tried } = chooseSetting(populationRidge, futures, createRng('trials'));
        return Math.max(...tried.map(({ auc }) => auc));
      };
      expect(aucOf(await tastes(1))).toBeGreaterThan(0.7);
      expect(aucOf(await tastes(0))).toBeLessThan(0.56);
    },
  );

  itUsual.each([
    ['users without a frequent token', FEATURES, (user: number) => ({ city: `c${user}`, likes: [] }), /20 holders/],
    [
      'one feature of one value',
      FEATURES.slice(0, 1),
      (user: number) => ({ city: `c${user % 4}` }),
      /only the single-valued feature "city"/,
    ],
  ] as const)('refuses %s', async (_, features, userOf, message) => {
    const folder = await peopleOf(features, userOf);
    expect(() => prepareSelfSupervised(folder, { seed: 1 })).toThrow(AppError);
    expect(() => prepareSelfSupervised(folder, { seed: 1 })).toThrow(message);
  });
});

describe('train on a population alone', () => {
  const trainInto = async (path: string, threads: number) => {
    const { prepared } = prepareSelfSupervised(path, { seed: SETTINGS.seed });
    const out = join(newFolder(), 'model');
    const result = await train(prepared, {
      out,
      settings: SETTINGS,
      device: CPU,
      clock: systemClock,
      resume: false,
      threads,
      signal: new AbortController().signal,
    });
    return { out, result };
  };

  itUsual('writes a model of the features, which records that tokens were held out', async () => {
    const path = await tastes(1);
    const { out } = await trainInto(path, 1);
    const { manifest } = await loadModel(out);
    expect(manifest.features.user.map(({ name }) => name)).toEqual(['city', 'likes']);
    expect(manifest.features.campaign).toEqual([]);
    expect(manifest.evaluation!.campaigns).toMatch(/^2 tokens that were held out/);
    expect(manifest.evaluation!.groups['all']!.auc.mean).toBeGreaterThan(0.7);
  });

  it.runIf(IS_LONG)('is the same for any number of threads', async () => {
    const path = await tastes(1);
    const [one, two] = [await trainInto(path, 1), await trainInto(path, 2)];
    expect(two.result.manifest.version).toBe(one.result.manifest.version);
  });
});

const KEPT_FEATURES: readonly Feature[] = [
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
  const features = { user_features: KEPT_FEATURES.map(({ name, kind }) => ({ name, kind })), campaign_features: [] };
  writeFileSync(join(source, 'dataset.json'), JSON.stringify({ name: 'tiny', ...features }));
  writeFileSync(join(source, 'users.ndjson'), USERS.map((user) => `${JSON.stringify(user)}\n`).join(''));
  const out = join(root, 'population');
  await importPopulation({ source, features: KEPT_FEATURES, out });
  population = openPopulation(out);
});

const tokens = (feature: string, codes: Int32Array) =>
  Array.from(codes, (code) => population.dictionary(feature).token(code));

describe('keepTokens', () => {
  it('keeps the tokens that most users have, of equal ones those that came first, and reports what it cut', () => {
    const [city, likes] = keepTokens(population, KEPT_FEATURES, 2);
    expect(city).toEqual(KEPT_FEATURES[0]);
    expect(tokens('likes', likes!.kept!.codes)).toEqual(['x', 'y']);
    expect(likes!.kept!.cutShare).toBeCloseTo(3 / 8, 12);
    expect(Array.from(likes!.kept!.ids)).toEqual([0, 0, 1, 2, 0]);
  });

  it('changes nothing if no feature has more', () => {
    expect(keepTokens(population, KEPT_FEATURES, 4)).toBe(KEPT_FEATURES);
  });
});

describe('a matrix of kept tokens', () => {
  it('has columns for them alone, and fills lists with the next one that is kept', () => {
    const features = keepTokens(population, KEPT_FEATURES, 2);
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
