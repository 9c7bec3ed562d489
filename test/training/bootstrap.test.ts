/** The bootstrap interval of a mean. */
import { describe, expect, it } from 'vitest';
import { createRng } from '../../src/lib/rng.ts';
import { bootstrapMean } from '../../src/training/evaluation/summary.ts';

describe('bootstrapMean', () => {
  it('is near mean +- 1.96 standard errors for many values', () => {
    const rng = createRng('values');
    const values = Array.from({ length: 400 }, () => 5 + rng.normal());
    const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
    const error = Math.sqrt(values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / values.length ** 2);
    const interval = bootstrapMean(values, createRng('resamples'));
    expect(interval.mean).toBeCloseTo(mean, 12);
    expect(Math.abs(interval.low - (mean - 1.96 * error))).toBeLessThan(0.2 * error);
    expect(Math.abs(interval.high - (mean + 1.96 * error))).toBeLessThan(0.2 * error);
  });

  it('contains its mean also for few values, equal values or one value', () => {
    for (const values of [[0.7], [0.1, 0.1, 0.1], [0.1, 0.2], [0, 0, 1]]) {
      const { mean, low, high } = bootstrapMean(values, createRng('few'), 10);
      expect(low).toBeLessThanOrEqual(mean);
      expect(high).toBeGreaterThanOrEqual(mean);
    }
    expect(bootstrapMean([0.7], createRng('one'))).toEqual({ mean: 0.7, low: 0.7, high: 0.7 });
  });
});
