/** Computes the logits of scores, and the mean and standard deviation of values. */

/** Scores are clipped to at least this distance from 0 and 1. */
const CERTAIN = 1e-7;
/**
 * Values that differ by less than this fraction of their size count as equal, because features are differences of
 * float32 sums.
 */
export const SAME = 1e-4;

/** Returns the logit of a score, which is clipped to [1e-7, 1 - 1e-7]. */
export function logitOf(score: number): number {
  const inside = Math.min(Math.max(score, CERTAIN), 1 - CERTAIN);
  return Math.log(inside / (1 - inside));
}

/** Returns the mean and the standard deviation. The deviation is 0 if the values differ only because of rounding. */
export function spreadOf(values: Float64Array): { mean: number; deviation: number } {
  let mean = 0;
  for (const value of values) mean += value / values.length;
  let variance = 0;
  for (const value of values) variance += (value - mean) ** 2 / values.length;
  const deviation = Math.sqrt(variance);
  return { mean, deviation: deviation > SAME * Math.abs(mean) ? deviation : 0 };
}

/** The values at `places`, in their order. */
export function takeNumbers(values: Float32Array | Float64Array, places: Int32Array): Float64Array {
  const out = new Float64Array(places.length);
  for (let i = 0; i < places.length; i++) out[i] = values[places[i]!]!;
  return out;
}
