/** Training on a population alone: what is prepared, that it learns, and that a token does not reveal itself. */
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CPU } from '../../packages/onnx-grad/index.ts';
import type { Feature } from '../../src/dataset/features.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { AppError } from '../../src/lib/errors.ts';
import { createRng } from '../../src/lib/rng.ts';
import { loadModel } from '../../src/model/load.ts';
import { populationRidge } from '../../src/training/baselines/population-ridge.ts';
import { DEFAULT_DESCENT } from '../../src/training/choices/descent.ts';
import { chooseSetting } from '../../src/training/choices/tuning.ts';
import { openFutures, usersBefore } from '../../src/training/history/futures.ts';
import { findColumn } from '../../src/training/history/one-hot.ts';
import { prepareSelfSupervised } from '../../src/training/history/self-supervised.ts';
import { train } from '../../src/training/train.ts';
import { useFolders } from '../fixture/folders.ts';
import { IS_LONG, itUsual } from '../fixture/size.ts';
import { populationOf } from '../online/world.ts';
import { SMALL_SETTINGS } from './small-data-set.ts';

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
