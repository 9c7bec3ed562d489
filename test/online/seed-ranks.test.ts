/** Ranks of held-out seeds: by hand, compared with counting, and which seeds each fold learns from. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRng } from '../../src/lib/rng.ts';
import {
  foldsOf,
  hitsAt,
  joinFolds,
  rankFolds,
  rankSeeds,
  topCount,
  winsOf,
} from '../../src/online/quality/seed-ranks.ts';

describe('rankSeeds', () => {
  it('counts the rows above and beside each seed', () => {
    const ranks = rankSeeds([0.9, 0.5, 0.1], Float32Array.of(0.5, 0.8, 0.5, 0.2));
    expect(ranks).toEqual({ rows: 4, above: Int32Array.of(0, 1, 4), tied: Int32Array.of(0, 2, 0) });
    expect([...winsOf(ranks)]).toEqual([1, 0.5, 0]);
  });
});

describe('hitsAt', () => {
  it('is 1, 5/3 and 2 in a top of 1, 3 and 4', () => {
    const ranks = { rows: 4, above: Int32Array.of(0, 1, 4), tied: Int32Array.of(0, 2, 0) };
    expect([1, 3, 4].map((count) => hitsAt(ranks, count))).toEqual([1, 1 + 2 / 3, 2]);
  });

  it('is the mean over all orders of tied rows', () => {
    const values = fc.array(fc.constantFrom(0, 1, 2), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(values, fc.constantFrom(0, 1, 2), fc.integer({ min: 1, max: 12 }), (rows, seed, count) => {
        const above = rows.filter((value) => value > seed).length;
        const places = rows.filter((value) => value === seed).length + 1;
        const inTop = Array.from({ length: places }, (_, i) => above + i).filter((place) => place < count).length;
        expect(hitsAt(rankSeeds([seed], Float32Array.from(rows)), count)).toBeCloseTo(inTop / places, 12);
      }),
    );
  });
});

describe('topCount', () => {
  it.each([
    [1000, 0.05, 50],
    [30, 0.05, 2],
    [5, 0.01, 1],
    [1, 0.2, 1],
  ])('of %i rows at %d is %i', (rows, share, count) => {
    expect(topCount(rows, share)).toBe(count);
  });
});

const rowsTo = (count: number) => Int32Array.from({ length: count }, (_, i) => i);

describe('folds', () => {
  const ranked = Int32Array.from({ length: 10 }, (_, i) => 10_000 + i);
  /** Row 10,000 + i scores i, a seed scores its number plus a half. */
  const scores = Float32Array.from({ length: 10_010 }, (_, row) => (row < 10_000 ? row + 0.5 : row - 10_000));

  it.each([5, 7, 24, 250])('holds out each of %i seeds once, in five parts of nearly equal size', async (seeds) => {
    const seen: number[] = [];
    const sizes: number[] = [];
    const shares: number[] = [];
    const parts = await rankFolds(
      foldsOf(rowsTo(seeds), createRng('k')),
      ranked,
      async ({ learning, held }) => {
        expect([...learning, ...held].sort((a, b) => a - b)).toEqual(Array.from({ length: seeds }, (_, i) => i));
        seen.push(...held);
        sizes.push(held.length);
        return scores;
      },
      { onPart: (share) => shares.push(share) },
    );
    const ranks = joinFolds(parts.toReversed());
    expect(seen.sort((a, b) => a - b)).toEqual(Array.from({ length: seeds }, (_, i) => i));
    expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
    expect(shares).toEqual([0.2, 0.4, 0.6, 0.8, 1]);
    // seed i is above rows 0 .. i
    const expected = Array.from({ length: seeds }, (_, i) => Math.max(9 - i, 0));
    expect([...ranks!.above].sort((a, b) => a - b)).toEqual(expected.sort((a, b) => a - b));
  });

  it('is null for four seeds', async () => {
    expect(foldsOf(rowsTo(4), createRng('k'))).toEqual([]);
    expect(joinFolds(await rankFolds([], ranked, async () => scores))).toBeNull();
  });

  it('holds out only the given rows', async () => {
    const seen: number[] = [];
    for (const { learning, held } of foldsOf(Int32Array.of(1, 4, 6, 8, 9, 30), createRng('k'))) {
      expect([...learning, ...held].sort((a, b) => a - b)).toEqual([1, 4, 6, 8, 9, 30]);
      seen.push(...held);
    }
    expect(seen.sort((a, b) => a - b)).toEqual([1, 4, 6, 8, 9, 30]);
  });

  it('is null if there is nobody to rank seeds among', async () => {
    expect(await rankFolds(foldsOf(rowsTo(20), createRng('k')), new Int32Array(0), async () => scores)).toEqual([]);
  });

  it('ranks some of very many seeds only', async () => {
    const ranks = joinFolds(await rankFolds(foldsOf(rowsTo(6000), createRng('k')), ranked, async () => scores));
    expect(ranks!.above.length).toBe(1200);
  });

  it('is fixed by its stream', async () => {
    const order = (key: string) => foldsOf(rowsTo(30), createRng(key)).map(({ held, rng }) => [...held, rng.uniform()]);
    expect(order('a')).toEqual(order('a'));
    expect(order('a')).not.toEqual(order('b'));
  });
});
