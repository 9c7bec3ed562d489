/** user_knn compared with a plain reference: every similarity computed, sorted, the first k averaged. */
import { describe, expect, it } from 'vitest';
import { createRng } from '../../src/lib/rng.ts';
import { scorerOf } from '../../src/training/baselines/baselines.ts';
import { MAXIMUM_COMPARED_SEEDS, userKnn } from '../../src/training/baselines/user-knn.ts';
import { chooseSetting } from '../../src/training/choices/tuning.ts';
import { measureRanking } from '../../src/training/evaluation/metrics.ts';
import type { OneHot } from '../../src/training/history/one-hot.ts';
import { isPlantedMember, plantCampaign, plantFutures, plantOneHot } from './planted.ts';

const oneHot = plantOneHot();
const seeds = oneHot.users.filter((user) => isPlantedMember(user) && user < 200);
const others = oneHot.users.filter((user) => !seeds.includes(user));
const method = userKnn(oneHot);

type Setting = { k: number; idf_power: number };

function tokensOf(of: OneHot, user: number): number[] {
  return [...of.tokens.subarray(of.offsets[user]!, of.offsets[user + 1]!)];
}

/** The definition, literally. */
function reference(of: OneHot, seeds: Int32Array, { k, idf_power }: Setting, user: number): number {
  const n = of.users.length;
  const df = (token: number) => of.tokens.filter((other) => other === token).length;
  const weights = new Map([...new Set(of.tokens)].map((t) => [t, (Math.log((1 + n) / (1 + df(t))) + 1) ** idf_power]));
  const norm = (tokens: number[]) => Math.sqrt(tokens.reduce((sum, t) => sum + weights.get(t)! ** 2, 0));
  const own = tokensOf(of, user);
  const cosines = [...seeds].map((seed) => {
    const theirs = tokensOf(of, seed);
    const shared = own.filter((token) => theirs.includes(token));
    return shared.length === 0
      ? 0
      : shared.reduce((sum, t) => sum + weights.get(t)! ** 2, 0) / (norm(own) * norm(theirs));
  });
  const nearest = cosines.sort((a, b) => b - a).slice(0, k);
  return nearest.reduce((sum, x) => sum + x, 0) / nearest.length;
}

describe('userKnn', () => {
  it('is the mean cosine to the k nearest seeds', () => {
    const some = others.filter((_, i) => i % 37 === 0 || i === others.length - 1);
    const settings = [...method.grid, { k: 7, idf_power: 0.5 }, { k: 1000, idf_power: 1 }];
    const scorers = [...method.scorers(seeds, createRng('unused'), settings)];
    expect(scorers).toHaveLength(settings.length);
    settings.forEach((setting, i) => {
      const scores = scorers[i]!(some);
      some.forEach((user, at) => {
        const expected = reference(oneHot, seeds, setting, user);
        expect(scores[at], `${JSON.stringify(setting)}, user ${user}`).toBeCloseTo(expected, 12);
      });
    });
  });

  it('returns 1 for a seed itself, and 0 for a user without tokens', () => {
    const scorer = scorerOf(method, { k: 1, idf_power: 1 }, seeds, createRng('unused'));
    expect([...scorer(seeds)].every((score) => Math.abs(score - 1) < 1e-12)).toBe(true);
    expect(scorer(others).at(-1)).toBe(0);
  });

  it('chooses k and weighting on train campaigns', () => {
    const { setting, tried } = chooseSetting(
      userKnn,
      plantFutures(oneHot, [plantCampaign('c', 'train')]),
      createRng('choice'),
    );
    expect(tried.length).toBeGreaterThanOrEqual(10);
    expect(Math.max(...tried.map(({ auc }) => auc))).toBe(tried.find((one) => one.setting === setting)!.auc);
    const scores = scorerOf(method, setting, seeds, createRng('unused'))(others);
    const labels = Uint8Array.from(others, (user) => (isPlantedMember(user) ? 1 : 0));
    expect(measureRanking(others, scores, labels).auc).toBeGreaterThan(0.9);
  });

  it('compares with no more seeds than its limit, sampled with the stream', () => {
    // as many groups of users as are compared, and one more: who is not drawn finds nobody like him
    const count = MAXIMUM_COMPARED_SEEDS + 500;
    const alone: OneHot = {
      offsets: Int32Array.from({ length: count + 1 }, (_, i) => i),
      tokens: Int32Array.from({ length: count }, (_, i) => i),
      width: count,
      users: Int32Array.from({ length: count }, (_, i) => i),
    };
    const found = (key: string) =>
      scorerOf(userKnn(alone), { k: 1, idf_power: 0 }, alone.users, createRng(key))(alone.users);
    expect(found('a').reduce((sum, score) => sum + score, 0)).toBe(MAXIMUM_COMPARED_SEEDS);
    expect(found('a')).toEqual(found('a'));
    expect(found('a')).not.toEqual(found('b'));
  });
});
