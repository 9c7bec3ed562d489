/** Episodes of the heads: sizes, labels and disjoint batches, for any campaign. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRng } from '../../src/lib/rng.ts';
import { sampleHeadsEpisode } from '../../src/training/meta/episodes.ts';

/** Users 100, 101, ..: the first `members` have label 1. */
const rowsOf = (members: number, others: number) => ({
  users: Int32Array.from({ length: members + others }, (_, i) => 100 + i),
  labels: new Uint8Array(members + others).fill(1, 0, members),
});
const isMember = (members: number) => (user: number) => user < 100 + members;

describe('sampleHeadsEpisode', () => {
  it('has seeds and ten others per seed as support, hidden members among them with label 0', () => {
    const { support, query } = sampleHeadsEpisode(createRng('a'), rowsOf(300, 3000))!;
    const seeds = support.labels.filter((label) => label === 1).length;
    expect(seeds).toBeGreaterThanOrEqual(10);
    expect(seeds).toBeLessThan(120);
    expect(support.users.length).toBe(11 * seeds);
    expect([...support.users.subarray(0, seeds)].every(isMember(300))).toBe(true);
    const hidden = [...support.users.subarray(seeds)].filter(isMember(300)).length;
    expect(hidden).toBeGreaterThan(0);
    expect(hidden).toBeLessThan(2 * seeds);
    expect([...query.labels]).toEqual([...Array(46).fill(1), ...Array(460).fill(0)]);
  });

  it('samples few to many seeds, uniformly in the logarithm', () => {
    const counts = Array.from({ length: 200 }, (_, i) => {
      const { support } = sampleHeadsEpisode(createRng(`${i}`), rowsOf(300, 3000))!;
      return support.labels.filter((label) => label === 1).length;
    });
    expect(Math.min(...counts)).toBeLessThan(13);
    expect(Math.max(...counts)).toBeGreaterThan(100);
    // the geometric mean of 10 and 120 halves them
    const below = counts.filter((count) => count < Math.sqrt(10 * 120)).length;
    expect(below).toBeGreaterThan(75);
    expect(below).toBeLessThan(125);
  });

  it('keeps support and query disjoint, and query labels true, whatever the campaign', () => {
    const cases = fc.tuple(fc.integer({ min: 2, max: 60 }), fc.integer({ min: 2, max: 400 }), fc.string());
    fc.assert(
      fc.property(cases, ([members, others, key]) => {
        const { support, query } = sampleHeadsEpisode(createRng(key), rowsOf(members, others))!;
        expect(new Set(support.users).size).toBe(support.users.length);
        const negatives = [...query.users].filter((_, i) => query.labels[i] === 0);
        expect(negatives.some((user) => isMember(members)(user) || support.users.includes(user))).toBe(false);
        const seeds = [...support.users].filter((_, i) => support.labels[i] === 1);
        const asked = [...query.users].filter((_, i) => query.labels[i] === 1);
        expect(asked.length).toBeGreaterThan(0);
        expect([...seeds, ...asked].every(isMember(members))).toBe(true);
        expect(asked.some((user) => seeds.includes(user))).toBe(false);
        expect(seeds.length).toBeLessThanOrEqual(members >> 1);
      }),
      { numRuns: 60 },
    );
  });

  it.each([
    [1, 50],
    [0, 50],
    [50, 0],
    [50, 1],
  ])('is null if a campaign has %i members and %i others', (members, others) => {
    expect(sampleHeadsEpisode(createRng('few'), rowsOf(members, others))).toBeNull();
  });
});
