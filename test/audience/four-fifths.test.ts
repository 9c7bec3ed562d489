/** Rankings in which every audience meets the four-fifths rule. */
import { describe, expect, it } from 'vitest';
import { fairOrder, rankFairly } from '../../src/audience/four-fifths.ts';
import { orderOf } from '../../src/audience/order.ts';
import { createRng } from '../../src/lib/rng.ts';

const USERS = 6000;
const rng = createRng('four fifths');
/** A small group, a large group whose scores are higher, and users in no group; many scores are equal. */
const groupOf = Int32Array.from({ length: USERS }, () => [-1, 0, 1, 1][Math.floor(4 * rng.uniform())]!);
const sizes = [0, 1].map((group) => groupOf.filter((own) => own === group).length);
const groups = { tokens: ['f', 'm'], sizes, groupOf };
const unfair = () => Float32Array.from(groupOf, (group) => Math.round(50 * rng.uniform() + 20 * group) / 100);
const ratioAt = (order: Uint32Array, size: number) => {
  const rates = sizes.map(
    (whole, group) => order.subarray(0, size).filter((user) => groupOf[user] === group).length / whole,
  );
  return Math.min(...rates) / Math.max(...rates);
};

describe('rankFairly', () => {
  it('makes a ranking of which every size meets the rule, with each group in its order', () => {
    const scores = unfair();
    const before = orderOf(scores);
    expect(ratioAt(before, 300)).toBeLessThan(0.5);
    const prices = rankFairly(scores, groups);
    const after = orderOf(scores);
    expect(after).toEqual(fairOrder(before, groups));
    for (let size = 100; size <= USERS; size += 7) expect(ratioAt(after, size)).toBeGreaterThanOrEqual(0.8);
    for (const group of [-1, 0, 1]) {
      const own = (order: Uint32Array) => order.filter((user) => groupOf[user] === group);
      expect(own(after)).toEqual(own(before));
    }
    const price = prices.find(({ share }) => share === 0.05)!;
    expect(price).toMatchObject({ size: 300, ratio: ratioAt(after, 300), ratio_before: ratioAt(before, 300) });
    expect(price.mean_score).toBeLessThan(price.mean_score_before);
    const [small, large] = price.groups;
    expect(small!.users).toBeGreaterThan(small!.before);
    expect(large!.users).toBeLessThan(large!.before);
  });

  it('changes no score of a ranking that meets the rule', () => {
    const scores = Float32Array.from(groupOf, (_, user) => ((user * 7919) % USERS) / USERS);
    const same = scores.slice();
    rankFairly(scores, { ...groups, groupOf: groupOf.map(() => -1) });
    expect(scores).toEqual(same);
  });

  it('goes on with the other users when a group has no candidates left', () => {
    const scores = unfair().map((score, user) => (groupOf[user] === 0 && user % 10 > 0 ? Number.NaN : score));
    const candidates = orderOf(scores).length;
    rankFairly(scores, groups);
    expect(orderOf(scores)).toHaveLength(candidates);
  });
});
