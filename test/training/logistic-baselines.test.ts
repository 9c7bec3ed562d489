/**
 * Logistic regression as a baseline: whom it samples, which columns it sees, and structure that only latent vectors
 * show.
 */
import { describe, expect, it } from 'vitest';
import { createRng } from '../../src/lib/rng.ts';
import { scorerOf } from '../../src/training/baselines/baselines.ts';
import {
  logisticRegression,
  logisticRegressionOnLatent,
  sampleTask,
  tokenRows,
} from '../../src/training/baselines/logistic-baselines.ts';
import { measureRanking } from '../../src/training/evaluation/metrics.ts';
import type { OneHot } from '../../src/training/history/one-hot.ts';
import { isPlantedMember, PLANTED_USERS, plantOneHot } from './planted.ts';

const oneHot = plantOneHot();
const seeds = oneHot.users.filter((user) => isPlantedMember(user) && user < 200);
const tokensOf = (user: number): number[] => [
  ...oneHot.tokens.subarray(oneHot.offsets[user]!, oneHot.offsets[user + 1]!),
];

describe('drawTask', () => {
  it('puts the seeds first and samples ten different non-seeds for each', () => {
    const { users, labels } = sampleTask(oneHot, Int32Array.of(12, 3), createRng('task'));
    expect([...users.subarray(0, 2)]).toEqual([3, 12]);
    expect([...labels]).toEqual([1, 1, ...new Array<number>(20).fill(0)]);
    expect(new Set(users).size).toBe(22);
  });

  it('takes all non-seeds if there are not ten per seed', () => {
    expect(sampleTask(oneHot, seeds, createRng('task')).labels.length).toBe(40 + 400);
    const most = oneHot.users.slice(0, 100);
    expect(sampleTask(oneHot, most, createRng('task')).labels.length).toBe(PLANTED_USERS);
  });

  it('leaves out seeds who are not in the population', () => {
    const fewer = { ...oneHot, users: oneHot.users.slice(50) };
    expect(sampleTask(fewer, Int32Array.of(1, 60), createRng('task')).labels.length).toBe(11);
  });
});

describe('tokenRows', () => {
  it('has the tokens of the users, in columns that somebody has', () => {
    const { rows, tokenOf } = tokenRows(oneHot, seeds);
    expect([rows.width, new Set(tokenOf).size]).toEqual([tokenOf.length, tokenOf.length]);
    const written = Array.from(seeds, (_, i) =>
      [...rows.columns.subarray(rows.offsets[i]!, rows.offsets[i + 1]!)].map((j) => tokenOf[j]!),
    );
    expect(written).toEqual(Array.from(seeds, tokensOf));
  });
});

const KIND = 300;
const COUNT = 1000;
/**
 * Two kinds of people, each with 5 of their kind's 300 tokens: a seed shares few tokens with the next, the latent
 * vectors are shared by all. Two more differ in token 4.
 */
function plantKinds(): OneHot {
  const rng = createRng('kinds');
  const lists = Array.from({ length: COUNT }, (_, user) => {
    const tokens = new Set<number>();
    while (tokens.size < 5) tokens.add((user % 2) * KIND + rng.integer(KIND));
    return [...tokens];
  });
  lists.push([1, 2, 3], [1, 2, 3, 4]);
  const offsets = new Int32Array(lists.length + 1);
  lists.forEach((list, i) => {
    offsets[i + 1] = offsets[i]! + list.length;
  });
  return { offsets, tokens: Int32Array.from(lists.flat()), width: 2 * KIND, users: Int32Array.from(lists.keys()) };
}

describe('logisticRegressionOnLatent', () => {
  const kinds = plantKinds();
  const few = Int32Array.from({ length: 10 }, (_, i) => 2 * i);
  const others = kinds.users.slice(20, COUNT);
  const labels = Uint8Array.from(others, (user) => (user % 2 === 0 ? 1 : 0));
  const latent = logisticRegressionOnLatent(kinds, createRng('svd'));
  const aucOf = (score: (users: Int32Array) => Float64Array) => measureRanking(others, score(others), labels).auc;

  it.each([0, 0.5])('finds from ten seeds members that tokens alone do not show, at idf power %d', (idf_power) => {
    const onTokens = aucOf(scorerOf(logisticRegression(kinds), { strength: 0.1 }, few, createRng('n')));
    const onLatent = aucOf(scorerOf(latent, { idf_power, strength: 0.1 }, few, createRng('n')));
    expect(onTokens).toBeLessThan(0.8);
    expect(onLatent).toBeGreaterThan(0.85);
  });

  it('returns the scorers of a grid in its order, the same as each alone', () => {
    const rng = () => createRng('n');
    const grid = [...latent.scorers(few, rng(), latent.grid)];
    expect(grid.length).toBe(latent.grid.length);
    for (const at of [0, 5, latent.grid.length - 1]) {
      const alone = scorerOf(latent, latent.grid[at]!, few, rng())(others);
      const among = grid[at]!(others);
      alone.forEach((score, i) => {
        expect(among[i]).toBeCloseTo(score, 4);
      });
    }
  });
});
