/** Counting seeds: received = known + unknown + duplicate. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { countSeeds } from '../../src/domain/user-sets.ts';

describe('countSeeds', () => {
  it('counts each id once as known or unknown, and each repetition as a duplicate', () => {
    const { userIds, counts } = countSeeds(['a', 'x', 'b', 'a', 'x', 'a'], (userId) => userId < 'm');
    expect(userIds).toEqual(['a', 'x', 'b']);
    expect(counts).toEqual({ received: 6, known: 2, unknown: 1, duplicate: 3, unknownExamples: ['x'] });
  });

  it('shows the first ten unknown ids in the order received', () => {
    const seeds = Array.from({ length: 12 }, (_, i) => `u${11 - i}`);
    expect(countSeeds(seeds, () => false).counts.unknownExamples).toEqual(seeds.slice(0, 10));
  });

  it('adds up for any seeds', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('a', 'b', 'c', 'x', 'y', '')), (seeds) => {
        const { userIds, counts } = countSeeds(seeds, (userId) => userId < 'm');
        expect(counts.known + counts.unknown + counts.duplicate).toBe(seeds.length);
        expect(counts.received).toBe(seeds.length);
        expect(counts.known + counts.unknown).toBe(userIds.length);
        expect(new Set(userIds)).toEqual(new Set(seeds));
      }),
    );
  });
});
