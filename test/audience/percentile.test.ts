/** Percentiles: 100 is the best, and each rank has a lower one than the rank before. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { percentileOf } from '../../src/audience/percentile.ts';

describe('percentileOf', () => {
  it('is the share of the candidates that rank no better', () => {
    expect([1, 2, 3, 4].map((rank) => percentileOf(rank, 4))).toEqual([100, 75, 50, 25]);
    expect(percentileOf(1, 1)).toBe(100);
  });

  it('falls with every rank and stays in (0, 100], up to the maximum number of candidates', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 200_000_000 }), fc.nat(), (candidates, at) => {
        const rank = 1 + (at % (candidates - 1));
        const [better, worse] = [percentileOf(rank, candidates), percentileOf(rank + 1, candidates)];
        expect(better).toBeGreaterThan(worse);
        expect(better).toBeLessThanOrEqual(100);
        expect(worse).toBeGreaterThan(0);
      }),
    );
  });
});
