/** Naive Bayes compared with its formula, by hand. */
import { describe, expect, it } from 'vitest';
import { createRng } from '../../src/lib/rng.ts';
import { naiveBayes, scorerOf } from '../../src/training/baselines/baselines.ts';
import type { OneHot } from '../../src/training/history/one-hot.ts';

/** User 0 has tokens 0 and 1, user 1 has 0, user 2 has 1 and 2; nobody has 3. */
const oneHot: OneHot = {
  offsets: Int32Array.of(0, 2, 3, 5),
  tokens: Int32Array.of(0, 1, 0, 1, 2),
  width: 4,
  users: Int32Array.of(0, 1, 2),
};
const users = Int32Array.of(0, 1, 2);
const rng = createRng('unused');

describe('naiveBayes', () => {
  it('adds up the log-ratios of smoothed shares among seeds and among all', () => {
    const scores = scorerOf(naiveBayes(oneHot), { smoothing: 3 }, Int32Array.of(0, 1), rng)(users);
    // n = 2, a = 3; p = 2/3, 2/3, 1/3; seeds with the token: 2, 1, 0
    const token0 = Math.log((2 + 2) / (5 * (2 / 3)));
    const token1 = Math.log((1 + 2) / (5 * (2 / 3)));
    const token2 = Math.log((0 + 1) / (5 * (1 / 3)));
    expect(scores[0]).toBeCloseTo(token0 + token1, 12);
    expect(scores[1]).toBeCloseTo(token0, 12);
    expect(scores[2]).toBeCloseTo(token1 + token2, 12);
  });
});
