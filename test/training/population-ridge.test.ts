/** The whole-population regression as a baseline: its formula, its grid, and how it tunes a model's. */
import { describe, expect, it } from 'vitest';
import { createRng, type Rng } from '../../src/lib/rng.ts';
import { scorerOf } from '../../src/training/baselines/baselines.ts';
import { populationRidge, tuneRegression } from '../../src/training/baselines/population-ridge.ts';
import { DEFAULT_DESCENT } from '../../src/training/choices/descent.ts';
import { chooseSetting } from '../../src/training/choices/tuning.ts';
import { PUBLISHED_TRAIN_SETTINGS } from '../../src/training/settings.ts';
import { covarianceByHand, meanOf, plusDiagonal, scaled, scaleOf, solve } from '../onnx-grad/descent/dense.ts';
import { isPlantedMember, PLANTED_USERS, plantCampaign, plantFutures, plantOneHot } from './planted.ts';

const oneHot = plantOneHot();
const seeds = oneHot.users.filter((user) => isPlantedMember(user) && user < 100);
const others = oneHot.users.filter((user) => user >= 100);
const rng = createRng('unused');

/** 1 / sqrt(n) for each of a user's n tokens. */
const x = Array.from(oneHot.users, (user) => {
  const tokens = oneHot.tokens.subarray(oneHot.offsets[user]!, oneHot.offsets[user + 1]!);
  const row = new Array<number>(oneHot.width).fill(0);
  for (const token of tokens) row[token] = 1 / Math.sqrt(tokens.length);
  return row;
});

describe('populationRidge', () => {
  it.each([
    { strength: 0.015, power: 0.125 },
    { strength: 0.15, power: 0 },
    { strength: 0.005, power: 0.25 },
  ])('scores by (G + sigma I)^-1 (mean of the seeds - mean of all), at %o', (setting) => {
    const scale = scaleOf(x, setting.power);
    const own = scaled(x, scale);
    const g = covarianceByHand(own);
    const sigma = setting.strength * g.reduce((sum, row, t) => sum + row[t]!, 0) * Math.sqrt(50 / seeds.length);
    const all = meanOf(own);
    const mean = meanOf(Array.from(seeds, (seed) => own[seed]!));
    const weights = solve(
      plusDiagonal(g, sigma),
      mean.map((value, t) => value - all[t]!),
    );
    const scores = scorerOf(populationRidge(oneHot), setting, seeds, rng)(oneHot.users);
    const expected = own.map((row) => row.reduce((sum, value, t) => sum + value * weights[t]!, 0));
    const size = Math.max(...expected.map(Math.abs));
    expected.forEach((score, user) => {
      expect(Math.abs(scores[user]! - score), `user ${user}`).toBeLessThan(1e-3 * size);
    });
    // the last user has no token
    expect(scores[PLANTED_USERS - 1]).toBe(0);
  });

  it('returns the scorers of its grid in order, the same as each alone', () => {
    const method = populationRidge(oneHot);
    const grid = [...method.scorers(seeds, rng, method.grid)].map((score) => score(others));
    expect(grid).toHaveLength(20);
    expect(new Set(grid.map((scores) => scores[0])).size).toBe(20);
    for (const [i, setting] of method.grid.entries())
      expect(scorerOf(method, setting, seeds, rng)(others)).toEqual(grid[i]);
  });

  it('starts its grid with the setting that models have by default', () => {
    const { strength, power } = DEFAULT_DESCENT.regression!;
    const method = populationRidge(oneHot);
    expect(method.grid[0]).toEqual({ strength, power });
    expect(method.fallback).toBe(method.grid[0]);
  });

  it('depends on the set of seeds alone, and leaves out those who are not in the version', () => {
    const scorer = (own: Int32Array, draws: Rng, all = oneHot) =>
      scorerOf(populationRidge(all), { strength: 0.05, power: 0 }, own, draws);
    const twice = Int32Array.from([...seeds, ...seeds].reverse());
    expect(scorer(twice, createRng('other'))(others)).toEqual(scorer(seeds, rng)(others));
    const fewer = { ...oneHot, users: oneHot.users.slice(10) };
    const present = seeds.filter((seed) => seed >= 10);
    expect(scorer(seeds, rng, fewer)(others)).toEqual(scorer(present, rng, fewer)(others));
  });
});

describe('tuneRegression', () => {
  const futures = plantFutures(
    oneHot,
    Array.from({ length: 6 }, (_, c) =>
      plantCampaign(`c${c}`, 'train', (user) => isPlantedMember(user) && (user / 5) % 6 === c),
    ),
  );

  it('takes the setting that the evidence favours, and leaves the rest of the adaptation', () => {
    const { adaptation, choice } = tuneRegression(futures, DEFAULT_DESCENT, createRng('tune'));
    expect(choice).toEqual(chooseSetting(populationRidge, futures, createRng('tune'), 'evidence'));
    expect(choice!.campaigns).toBe(6);
    expect(adaptation).toEqual({
      ...DEFAULT_DESCENT,
      regression: { ...DEFAULT_DESCENT.regression, ...choice!.setting },
    });
  });

  it('keeps the default when nothing can be evaluated', () => {
    const { adaptation, choice } = tuneRegression(plantFutures(oneHot, []), DEFAULT_DESCENT, rng);
    expect(adaptation).toEqual(DEFAULT_DESCENT);
    expect(choice).toMatchObject({ campaigns: 0, tried: [] });
  });

  it('leaves an adaptation without a regression as it is', () => {
    const { regression: _, ...without } = DEFAULT_DESCENT;
    for (const adaptation of [without, PUBLISHED_TRAIN_SETTINGS.adaptation])
      expect(tuneRegression(futures, adaptation, rng)).toEqual({ adaptation, choice: null });
  });
});
