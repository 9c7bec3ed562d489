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
import {
  logisticRegression,
  logisticRegressionOnLatent,
  sampleTask,
  tokenRows,
} from '../../src/training/baselines/logistic-baselines.ts';
import { MAXIMUM_COMPARED_SEEDS, userKnn } from '../../src/training/baselines/user-knn.ts';
import { chooseSetting } from '../../src/training/choices/tuning.ts';
import { measureRanking } from '../../src/training/evaluation/metrics.ts';
import type { OneHot } from '../../src/training/history/one-hot.ts';
import { isPlantedMember, PLANTED_USERS, plantCampaign, plantFutures, plantOneHot } from './planted.ts';

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

const method = userKnn(oneHot);

type Setting = { k: number; idf_power: number };

function tokensOfUsers(of: OneHot, user: number): number[] {
  return [...of.tokens.subarray(of.offsets[user]!, of.offsets[user + 1]!)];
}

/** The definition, literally. */
function reference(of: OneHot, seeds: Int32Array, { k, idf_power }: Setting, user: number): number {
  const n = of.users.length;
  const df = (token: number) => of.tokens.filter((other) => other === token).length;
  const weights = new Map([...new Set(of.tokens)].map((t) => [t, (Math.log((1 + n) / (1 + df(t))) + 1) ** idf_power]));
  const norm = (tokens: number[]) => Math.sqrt(tokens.reduce((sum, t) => sum + weights.get(t)! ** 2, 0));
  const own = tokensOfUsers(of, user);
  const cosines = [...seeds].map((seed) => {
    const theirs = tokensOfUsers(of, seed);
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
