/** Sizes of audiences. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { audienceSize } from '../../src/domain/audiences.ts';

describe('audienceSize', () => {
  it('caps a size by the candidates', () => {
    expect(audienceSize({ size: 10 }, 97, 100)).toBe(10);
    expect(audienceSize({ size: 1000 }, 97, 100)).toBe(97);
  });

  it('takes a percentage of the population, rounded up, capped by the candidates', () => {
    expect(audienceSize({ percent: 10 }, 97, 100)).toBe(10);
    expect(audienceSize({ percent: 0.5 }, 97, 101)).toBe(1);
    expect(audienceSize({ percent: 1 }, 97, 101)).toBe(2);
    expect(audienceSize({ percent: 100 }, 97, 100)).toBe(97);
  });

  it('does not round a whole number up for the sake of floating point', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1000 }), fc.integer({ min: 1, max: 1_000_000 }), (tenths, thousands) => {
        const population = 1000 * thousands;
        expect(audienceSize({ percent: tenths / 10 }, population, population)).toBe(tenths * thousands);
      }),
    );
  });
});
