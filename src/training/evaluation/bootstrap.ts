/** Confidence intervals over campaigns by the percentile bootstrap of a mean. */
import { assert } from '../../lib/errors.ts';
import type { Interval } from '../../lib/interval.ts';
import type { Rng } from '../../lib/rng.ts';

const RESAMPLES = 2000;
const CONFIDENCE = 0.95;

/**
 * The mean of `values` (one per campaign) with its 95 % percentile bootstrap interval (Efron & Tibshirani 1993, section
 * 13.3): the .025 and .975 quantiles (linear between neighbours) of the means of 2,000 resamples. With one value the
 * interval has no width. `values` must not be empty.
 */
export function bootstrapMean(values: readonly number[] | Float64Array, rng: Rng, resamples = RESAMPLES): Interval {
  const count = values.length;
  assert(count > 0, 'there are no values to average');
  const data = Float64Array.from(values);
  const means = new Float64Array(resamples);
  for (let i = 0; i < resamples; i++) {
    let sum = 0;
    for (let j = 0; j < count; j++) sum += data[rng.integer(count)]!;
    means[i] = sum / count;
  }
  means.sort();
  const tail = (1 - CONFIDENCE) / 2;
  const mean = data.reduce((sum, x) => sum + x, 0) / count;
  // Adjusts the bounds so that the interval contains its mean, because the mean of a resample that equals the data may
  // differ from the mean of the data in the last bit.
  return { mean, low: Math.min(mean, quantile(means, tail)), high: Math.max(mean, quantile(means, 1 - tail)) };
}

/** Quantile `q` of ascending `sorted`, linear between neighbours. */
function quantile(sorted: Float64Array, q: number): number {
  const position = q * (sorted.length - 1);
  const below = Math.floor(position);
  const low = sorted[below]!;
  return low + (position - below) * (sorted[Math.min(below + 1, sorted.length - 1)]! - low);
}
