/** Settings are chosen on train campaigns treated as future ones: their own tokens tell nothing. */
import { describe, expect, it } from 'vitest';
import { createRng } from '../../src/lib/rng.ts';
import { naiveBayes, type TunableMethod } from '../../src/training/baselines/baselines.ts';
import { logisticRegression, logisticRegressionOnLatent } from '../../src/training/baselines/logistic-baselines.ts';
import { populationRidge } from '../../src/training/baselines/population-ridge.ts';
import { utilityOf } from '../../src/training/choices/evidence.ts';
import { chooseSetting, playSettings } from '../../src/training/choices/tuning.ts';
import type { OneHot } from '../../src/training/history/one-hot.ts';
import { isPlantedMember, PLANTED_USERS, plantCampaign, plantFutures, plantOneHot } from './planted.ts';

const oneHot = plantOneHot();
/** Halves of the planted members: nobody is in both. */
const campaigns = [
  plantCampaign('a', 'train', (user) => user % 10 === 0),
  plantCampaign('b', 'train', (user) => user % 10 === 5),
];
const futures = plantFutures(oneHot, campaigns);
const rng = () => createRng('choice');

describe('chooseSetting', () => {
  it('takes the setting with the best mean of AUC + precision / 4', () => {
    const choice = chooseSetting(logisticRegression, futures, rng());
    expect(choice.campaigns).toBe(2);
    const { grid } = logisticRegression(oneHot);
    expect(choice.tried.slice(0, grid.length).map(({ setting }) => setting)).toEqual(grid);
    const best = Math.max(...choice.tried.map(utilityOf));
    expect(utilityOf(choice.tried.find(({ setting }) => setting === choice.setting)!)).toBe(best);
    expect(Math.max(...choice.tried.map(({ auc }) => auc))).toBeGreaterThan(0.85);
    expect(new Set(choice.tried.map(utilityOf)).size).toBeGreaterThan(1);
  });

  it('chooses the same for the same stream', () => {
    const choice = chooseSetting(logisticRegression, futures, rng());
    expect(chooseSetting(logisticRegression, futures, rng())).toEqual(choice);
    expect(chooseSetting(logisticRegression, futures, createRng('other')).tried).not.toEqual(choice.tried);
  });

  it('uses the same seeds and users for every method, at 10, 50 and 200 seeds or half of the members', () => {
    const seen = (open: (of: OneHot) => TunableMethod) => {
      const evaluated: number[][] = [];
      playSettings(
        (of) => {
          const method = open(of);
          return {
            ...method,
            scorers(seeds, draws, settings) {
              evaluated.push([...seeds]);
              return method.scorers(seeds, draws, settings);
            },
          };
        },
        futures,
        rng(),
      );
      return evaluated;
    };
    const seeds = seen(naiveBayes);
    // 60 members each: 200 and 50 seeds are both 30, and are tried once
    expect(seeds.map(({ length }) => length)).toEqual([10, 30, 10, 30]);
    expect(seen(populationRidge)).toEqual(seeds);
  });

  it('falls back when no campaign can be evaluated', () => {
    const { fallback } = logisticRegression(oneHot);
    const lonely = plantCampaign('one member', 'train', (user) => user === 1);
    const everybody = plantCampaign('all are members', 'train', () => true);
    for (const none of [[lonely, everybody], []])
      expect(chooseSetting(logisticRegression, plantFutures(oneHot, none), rng())).toEqual({
        setting: fallback,
        tried: [],
        campaigns: 0,
      });
  });
});

/** Scores members of any planted campaign above others, less well the further `quality` is from 1. */
function knowing(qualities: readonly number[]): (of: OneHot) => TunableMethod<{ quality: number }> {
  return () => ({
    name: 'knowing',
    grid: qualities.map((quality) => ({ quality })),
    fallback: { quality: 0 },
    *scorers(_seeds, draws, settings) {
      const key = draws.uint32();
      for (const { quality } of settings)
        yield (users) =>
          Float64Array.from(users, (user) => {
            const lot = createRng(`${key}/${user}`).uniform();
            return quality * (isPlantedMember(user) ? 1 : 0) + lot;
          });
    },
  });
}

describe('chooseSetting by evidence', () => {
  /** `count` campaigns that divide the planted members among them. */
  const shared = (count: number) =>
    plantFutures(
      oneHot,
      Array.from({ length: count }, (_, c) =>
        plantCampaign(`c${c}`, 'train', (user) => isPlantedMember(user) && (user / 5) % count === c),
      ),
    );
  const choose = (qualities: readonly number[], count: number, rule: 'best mean' | 'evidence') =>
    chooseSetting(knowing(qualities), shared(count), rng(), rule).setting.quality;

  it('leaves the first of the grid for the setting with the largest expected gain', () => {
    expect(choose([0, 0.4, 0.8], 6, 'evidence')).toBe(0.8);
    expect(choose([0.8, 0.4, 0], 6, 'evidence')).toBe(0.8);
  });

  it('keeps the first when another is slightly better, unlike the best mean', () => {
    expect(choose([0.8, 0.8001], 6, 'best mean')).toBe(0.8001);
    expect(choose([0.8, 0.8001], 6, 'evidence')).toBe(0.8);
  });

  it('keeps the first when too few campaigns are evaluated', () => {
    expect(choose([0, 0.8], 1, 'best mean')).toBe(0.8);
    expect(choose([0, 0.8], 1, 'evidence')).toBe(0);
    expect(choose([0, 0.8], 2, 'evidence')).toBe(0.8);
  });
});

/**
 * Random tokens, which tell nothing of the campaign's members; with `own`, each member has the last column too, as
 * those of a past campaign have.
 */
function noise(own: boolean): OneHot {
  const rng = createRng('noise');
  const lists = Array.from({ length: PLANTED_USERS }, (_, user) => {
    const tokens = new Set<number>();
    while (tokens.size < 5) tokens.add(rng.integer(40));
    return [...tokens, ...(own && isPlantedMember(user) ? [40] : [])];
  });
  const offsets = new Int32Array(lists.length + 1);
  lists.forEach((list, i) => {
    offsets[i + 1] = offsets[i]! + list.length;
  });
  return { offsets, tokens: Int32Array.from(lists.flat()), width: 41, users: Int32Array.from(lists.keys()) };
}

describe("a campaign's own token", () => {
  const aucs = (open: (of: OneHot) => TunableMethod, own: boolean, column: number) => {
    const of = plantFutures(noise(own), [plantCampaign('a', 'train')], { a: column });
    return chooseSetting(open, of, rng()).tried.map(({ auc }) => auc);
  };
  const onLatent = (of: OneHot): TunableMethod => logisticRegressionOnLatent(of, createRng('svd'));
  const METHODS: [string, (of: OneHot) => TunableMethod][] = [
    ['logistic_regression', logisticRegression],
    ['logistic_regression_svd', onLatent],
    ['population_ridge', populationRidge],
    ['naive_bayes', naiveBayes],
  ];

  it.each(METHODS)('is left out while the setting of %s is chosen', (_, open) => {
    expect(Math.max(...aucs(open, true, -1))).toBeGreaterThan(0.95);
    for (const auc of aucs(open, true, 40)) expect(Math.abs(auc - 0.5)).toBeLessThan(0.1);
  });

  it.each(METHODS.filter(([, open]) => open !== onLatent))('changes nothing for %s', (_, open) => {
    expect(aucs(open, true, 40)).toEqual(aucs(open, false, -1));
  });
});
