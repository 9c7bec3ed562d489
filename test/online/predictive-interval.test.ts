/**
 * Predictive intervals: by hand, what they shrink and grow with, and that they hold a simulated truth as often as they
 * say.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRng, type Rng } from '../../src/lib/rng.ts';
import { meanInterval, shareInterval } from '../../src/online/quality/predictive-interval.ts';

const SIMULATIONS = 1500;

function hitsOf(rng: Rng, trials: number, chance: number): number {
  let hits = 0;
  for (let i = 0; i < trials; i++) if (rng.uniform() < chance) hits += 1;
  return hits;
}

/** How often `isHeld`. */
function coverageOf(key: string, isHeld: (rng: Rng) => boolean): number {
  const rng = createRng(key);
  let held = 0;
  for (let i = 0; i < SIMULATIONS; i++) if (isHeld(rng)) held += 1;
  return held / SIMULATIONS;
}

describe('shareInterval', () => {
  it('equals the values by hand for one seed and one or two others', () => {
    // Beta(3/2, 1/2): the other is a hit with 3/4
    expect(shareInterval(1, 1, 1)).toEqual({ mean: 1, low: 0, high: 1 });
    // none of two: 1/2 3/2 / (2 3) = 1/8; one: 2 * 3/2 1/2 / (2 3) = 1/4; both: 5/8
    expect(shareInterval(1, 1, 2)).toEqual({ mean: 1, low: 0, high: 1 });
    // Beta(1/2, 41/2), of one: a hit with 1/42 < .05
    expect(shareInterval(0, 20, 1)).toEqual({ mean: 0, low: 0, high: 0 });
  });

  it('tends to the beta posterior for many others', () => {
    // quantiles of Beta(12.5, 38.5), by adding up its density at two million points: .1529 and .3488
    const { mean, low, high } = shareInterval(12, 50, 1e9);
    expect(mean).toBe(0.24);
    expect(low).toBeCloseTo(0.1529, 3);
    expect(high).toBeCloseTo(0.3488, 3);
  });

  it('contains its mean, stays within [0, 1], and is wider for fewer others', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 300 }), fc.double({ min: 0, max: 1, noNaN: true }), (seeds, share) => {
        const hits = share * seeds;
        const [few, many] = [shareInterval(hits, seeds, seeds), shareInterval(hits, seeds, 3000)];
        for (const { mean, low, high } of [few, many]) {
          expect(mean).toBeCloseTo(share, 9);
          expect([low >= 0, low <= mean, mean <= high, high <= 1]).toEqual([true, true, true, true]);
        }
        expect(few.high - few.low).toBeGreaterThanOrEqual(many.high - many.low - 1 / seeds);
      }),
      { seed: 1 },
    );
  });

  it.each([
    [10, 10],
    [10, 500],
    [50, 50],
    [50, 500],
    [200, 30],
    [200, 200],
  ])('contains the recall of others nine times in ten: %i seeds, %i others', (seeds, others) => {
    const coverage = coverageOf(`share/${seeds}/${others}`, (rng) => {
      // recalls of all sizes, low ones more often
      const recall = rng.uniform() ** 2;
      const { low, high } = shareInterval(hitsOf(rng, seeds, recall), seeds, others);
      const truth = hitsOf(rng, others, recall) / others;
      return truth >= low && truth <= high;
    });
    expect(coverage).toBeGreaterThan(0.85);
    expect(coverage).toBeLessThan(0.97);
  });
});

describe('meanInterval', () => {
  it('equals the values by hand for five values and five others', () => {
    const { mean, low, high } = meanInterval(Float64Array.of(0.7, 0.8, 0.8, 0.9, 0.8), 5);
    // t = 2.015; squares .02 and the pseudo-value's 1 / 12, over 5; times 1 / 5 + 1 / 5
    const half = 2.015 * Math.sqrt(((0.02 + 1 / 12) / 5) * 0.4);
    expect(mean).toBeCloseTo(0.8, 12);
    expect(low).toBeCloseTo(0.8 - half, 3);
    expect(high).toBeCloseTo(0.8 + half, 3);
  });

  it('is never certain, even if all values are equal, and stays within [0, 1]', () => {
    expect(meanInterval(new Float64Array(10).fill(1), 10)).toEqual({ mean: 1, low: expect.closeTo(0.926, 2), high: 1 });
    expect(meanInterval(new Float64Array(5).fill(0), 5).low).toBe(0);
  });

  it.each([
    [5, 5],
    [10, 10],
    [50, 20],
    [200, 200],
  ])('contains the mean of others nine times in ten: %i seeds, %i others', (seeds, others) => {
    const coverage = coverageOf(`mean/${seeds}/${others}`, (rng) => {
      const power = 0.2 + rng.uniform();
      const sample = (count: number) => Float64Array.from({ length: count }, () => rng.uniform() ** power);
      const { low, high } = meanInterval(sample(seeds), others);
      const truth = sample(others).reduce((sum, value) => sum + value, 0) / others;
      return truth >= low && truth <= high;
    });
    expect(coverage).toBeGreaterThan(0.85);
    expect(coverage).toBeLessThan(0.97);
  });
});
