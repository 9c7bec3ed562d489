import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decimalScore } from '../../src/lib/text/decimal-score.ts';

describe('decimalScore', () => {
  it.each([0, 1, 0.5, 0.93, 0.1, 0.8123457, 1e-7, 1.17e-38, 0.99999994])('writes %d as it is', (score) => {
    expect(decimalScore(Math.fround(score))).toBe(score);
  });

  it('is the same float32 again, in nine digits at most', () => {
    fc.assert(
      fc.property(fc.float({ min: 0, max: 1, noNaN: true }), (score) => {
        const decimal = decimalScore(score);
        expect(Math.fround(decimal)).toBe(score);
        const digits = String(decimal).replace(/e.*/, '').replace('.', '').replace(/^0+/, '');
        expect(digits.length).toBeLessThanOrEqual(9);
      }),
      { numRuns: 2000 },
    );
  });
});
