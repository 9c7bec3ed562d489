/** Negatives matched to the seeds: the same share of both fits the filters, whatever the users. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { countSeeds, matchNegatives, without } from '../../src/online/negatives.ts';

const MANY = { inside: 10_000, outside: 10_000 };

describe('matchNegatives', () => {
  it.each([
    ['all of them inside if all seeds fit', 0, { inside: 100, outside: 0 }],
    ['the share of the seeds', 0.3, { inside: 70, outside: 30 }],
    ['none inside if no seed fits', 1, { inside: 0, outside: 100 }],
  ])('takes %s', (_, share, expected) => {
    expect(matchNegatives(100, share, MANY)).toEqual(expected);
  });

  it('takes fewer of both if one side is short', () => {
    expect(matchNegatives(100, 0.5, { inside: 10, outside: 1000 })).toEqual({ inside: 10, outside: 10 });
    expect(matchNegatives(100, 0.5, { inside: 1000, outside: 10 })).toEqual({ inside: 10, outside: 10 });
  });

  it('makes up for negatives of every step', () => {
    // half of 200; there are 50
    expect(matchNegatives(150, 0.5, MANY, { inside: 50, outside: 0 })).toEqual({ inside: 50, outside: 100 });
    expect(matchNegatives(100, 0.1, MANY, { inside: 0, outside: 50 })).toEqual({ inside: 100, outside: 0 });
  });

  it('takes users inside if nobody else is left, and at least one', () => {
    expect(matchNegatives(100, 0.5, { inside: 40, outside: 0 })).toEqual({ inside: 40, outside: 0 });
    expect(matchNegatives(100, 0.99, { inside: 1, outside: 1 })).toEqual({ inside: 0, outside: 1 });
    expect(matchNegatives(1, 0.99, { inside: 1, outside: 0 })).toEqual({ inside: 1, outside: 0 });
  });

  it('keeps the share to within one user, never takes more than wanted or available, and takes nobody only if there is nobody', () => {
    const many = fc.integer({ min: 0, max: 500 });
    const share = fc.integer({ min: 0, max: 100 }).map((percent) => percent / 100);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 400 }), share, many, many, (wanted, outside, inside, out) => {
        const counts = matchNegatives(wanted, outside, { inside, outside: out });
        const total = counts.inside + counts.outside;
        expect(Number.isInteger(total)).toBe(true);
        expect(counts.inside).toBeLessThanOrEqual(inside);
        expect(counts.outside).toBeLessThanOrEqual(out);
        expect(total).toBeLessThanOrEqual(wanted + 1);
        if (inside > 0) expect(total).toBeGreaterThan(0);
        if (out > 0 && total > 1) expect(Math.abs(counts.outside - outside * total)).toBeLessThanOrEqual(1);
      }),
    );
  });
});

describe('without', () => {
  it('leaves out the given rows, in order', () => {
    expect([...without(Int32Array.of(1, 3, 5, 7, 9), Int32Array.of(0, 3, 9, 11))]).toEqual([1, 5, 7]);
    const rows = Int32Array.of(1, 2);
    expect(without(rows, new Int32Array(0))).toBe(rows);
  });
});

describe('countSeeds', () => {
  it('counts those who fit', () => {
    const seeds = Int32Array.of(1, 2, 3);
    expect(countSeeds({ seeds })).toEqual({ all: 3, fitting: 3, rows: 0 });
    const none = new Int32Array(0);
    expect(countSeeds({ seeds, outside: { seeds: Int32Array.of(2), others: none, dismissed: none } })).toEqual({
      all: 3,
      fitting: 2,
      rows: 0,
    });
  });
});
