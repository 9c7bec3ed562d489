/** The baselines: what they find, whom they sample, and what they depend on. */
import { describe, expect, it } from 'vitest';
import { createRng } from '../../src/lib/rng.ts';
import {
  centroidBaseline,
  naiveBayes,
  randomBaseline,
  scorerOf,
  type TunableMethod,
} from '../../src/training/baselines/baselines.ts';
import { logisticRegression, logisticRegressionOnLatent } from '../../src/training/baselines/logistic-baselines.ts';
import { userKnn } from '../../src/training/baselines/user-knn.ts';
import { measureRanking } from '../../src/training/evaluation/metrics.ts';
import { isPlantedMember, plantOneHot } from './planted.ts';

const oneHot = plantOneHot();
const seeds = oneHot.users.filter((user) => isPlantedMember(user) && user < 200);
const others = oneHot.users.filter((user) => !seeds.includes(user));
const labels = Uint8Array.from(others, (user) => (isPlantedMember(user) ? 1 : 0));
const finders = [
  centroidBaseline(oneHot),
  logisticRegression(oneHot),
  logisticRegressionOnLatent(oneHot, createRng('svd')),
  naiveBayes(oneHot),
  userKnn(oneHot),
] as TunableMethod[];
const baselines = [randomBaseline(), ...finders];

const scorerWith = (method: TunableMethod, own: Int32Array, key: string) =>
  scorerOf(method, method.fallback, own, createRng(key));

describe.each(baselines)('baseline $name', (baseline) => {
  it('returns the same scores for the same set of seeds and the same stream', () => {
    const once = scorerWith(baseline, seeds, 'a')(others);
    expect(scorerWith(baseline, seeds, 'a')(others)).toEqual(once);
    expect(scorerWith(baseline, Int32Array.from([...seeds].reverse().concat(seeds[0]!)), 'a')(others)).toEqual(once);
  });

  it('scores a user the same, whichever other users are scored', () => {
    const scorer = scorerWith(baseline, seeds, 'a');
    expect(scorer(others.slice(5, 9))).toEqual(scorer(others).slice(5, 9));
  });
});

describe.each(finders)('baseline $name', (baseline) => {
  it('finds the planted members', () => {
    const scores = scorerWith(baseline, seeds, 'negatives')(others);
    expect(measureRanking(others, scores, labels).auc).toBeGreaterThan(0.9);
  });

  it('refuses seeds if none is in the population', () => {
    expect(() => scorerWith(baseline, Int32Array.of(900, 901), 'none')).toThrow(/no seed is in the population/);
  });
});

describe('random', () => {
  it('finds members no better than chance', () => {
    const aucs = Array.from({ length: 50 }, (_, i) => {
      const scores = scorerWith(randomBaseline(), seeds, `random ${i}`)(others);
      return measureRanking(others, scores, labels).auc;
    });
    const mean = aucs.reduce((sum, auc) => sum + auc, 0) / aucs.length;
    expect(Math.abs(mean - 0.5)).toBeLessThan(0.02);
    expect(new Set(aucs).size).toBeGreaterThan(40);
  });
});

describe('centroid', () => {
  it('returns 0 for a user without tokens', () => {
    const scores = scorerWith(centroidBaseline(oneHot), seeds, 'unused')(others);
    expect(scores.at(-1)).toBe(0);
  });

  it('returns cosine 1 for the only seed', () => {
    const [score] = scorerWith(centroidBaseline(oneHot), Int32Array.of(7), 'unused')(Int32Array.of(7));
    expect(score).toBeCloseTo(1, 12);
  });
});
