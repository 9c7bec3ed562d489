/** The baselines: what they find, what they draw, and what they depend on. */
import { describe, expect, it } from 'vitest';
import { createRng } from '../../src/lib/rng.ts';
import { centroidBaseline, drawTask, logisticRegressionBaseline, randomBaseline } from '../../src/offline/baselines.ts';
import { measureRanking } from '../../src/offline/metrics.ts';
import { isPlantedMember, PLANTED_USERS, plantOneHot } from './planted.ts';

const oneHot = plantOneHot();
const seeds = oneHot.users.filter((user) => isPlantedMember(user) && user < 200);
const others = oneHot.users.filter((user) => !seeds.includes(user));
const labels = Uint8Array.from(others, (user) => (isPlantedMember(user) ? 1 : 0));
const baselines = [randomBaseline(), centroidBaseline(oneHot), logisticRegressionBaseline(oneHot, 0.1)];

describe.each(baselines)('baseline $name', (baseline) => {
  it('gives the same scores for the same set of seeds and the same stream', () => {
    const once = baseline.scorer(seeds, createRng('a'))(others);
    expect(baseline.scorer(seeds, createRng('a'))(others)).toEqual(once);
    expect(baseline.scorer(Int32Array.from([...seeds].reverse().concat(seeds[0]!)), createRng('a'))(others)).toEqual(
      once,
    );
  });

  it('scores a user alike, whoever is asked for beside', () => {
    const scorer = baseline.scorer(seeds, createRng('a'));
    expect(scorer(others.slice(5, 9))).toEqual(scorer(others).slice(5, 9));
  });
});

describe('random', () => {
  it('finds members no better than chance', () => {
    const aucs = Array.from({ length: 50 }, (_, i) => {
      const scores = randomBaseline().scorer(seeds, createRng(`random ${i}`))(others);
      return measureRanking(others, scores, labels).auc;
    });
    const mean = aucs.reduce((sum, auc) => sum + auc, 0) / aucs.length;
    expect(Math.abs(mean - 0.5)).toBeLessThan(0.02);
    expect(new Set(aucs).size).toBeGreaterThan(40);
  });
});

describe('centroid', () => {
  it('finds the planted members, and gives 0 to a user without tokens', () => {
    const scores = centroidBaseline(oneHot).scorer(seeds, createRng('unused'))(others);
    expect(measureRanking(others, scores, labels).auc).toBeGreaterThan(0.9);
    expect(scores.at(-1)).toBe(0);
  });

  it('gives cosine 1 to the only seed', () => {
    const [score] = centroidBaseline(oneHot).scorer(Int32Array.of(7), createRng('unused'))(Int32Array.of(7));
    expect(score).toBeCloseTo(1, 12);
  });
});

describe('logistic_regression', () => {
  it('finds the planted members', () => {
    const scores = logisticRegressionBaseline(oneHot, 0.1).scorer(seeds, createRng('negatives'))(others);
    expect(measureRanking(others, scores, labels).auc).toBeGreaterThan(0.9);
  });

  it('refuses seeds of whom none is in the population', () => {
    const baseline = logisticRegressionBaseline({ ...oneHot, users: oneHot.users.slice(100) }, 0.1);
    expect(() => baseline.scorer(Int32Array.of(3, 4), createRng('none'))).toThrow(/no seed is in the population/);
  });
});

describe('drawTask', () => {
  const tokensOf = (user: number): number[] => [
    ...oneHot.tokens.subarray(oneHot.offsets[user]!, oneHot.offsets[user + 1]!),
  ];

  it('puts the seeds first and draws ten different non-seeds for each', () => {
    const few = Int32Array.of(12, 3);
    const { rows, labels: drawn, tokenOf } = drawTask(oneHot, few, createRng('task'));
    expect(drawn.length).toBe(22);
    expect([...drawn.subarray(0, 3)]).toEqual([1, 1, 0]);
    const rowTokens = Array.from(drawn, (_, i) =>
      [...rows.columns.subarray(rows.offsets[i]!, rows.offsets[i + 1]!)].map((j) => tokenOf[j]!),
    );
    expect(rowTokens.slice(0, 2)).toEqual([tokensOf(3), tokensOf(12)]);
    const written = new Set(rowTokens.map(String));
    expect(written.size).toBe(22);
  });

  it('takes all non-seeds where ten a seed are too many', () => {
    expect(drawTask(oneHot, seeds, createRng('task')).labels.length).toBe(40 + 400);
    const most = oneHot.users.slice(0, 100);
    expect(drawTask(oneHot, most, createRng('task')).labels.length).toBe(PLANTED_USERS);
  });

  it('leaves out seeds who are not in the population', () => {
    const { labels: drawn } = drawTask(
      { ...oneHot, users: oneHot.users.slice(50) },
      Int32Array.of(1, 60),
      createRng('task'),
    );
    expect(drawn.length).toBe(11);
  });
});
