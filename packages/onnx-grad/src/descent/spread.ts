/** Logits of scores, and their mean and standard deviation. */

/** Scores are clipped this far from 0 and 1. */
const CERTAIN = 1e-7;
/**
 * Values that differ by less than this share of their size count as equal: features are differences of float32 sums.
 */
export const SAME = 1e-4;

/** The logit of a score, clipped at 1e-7 from 0 and 1. */
export function logitOf(score: number): number {
  const inside = Math.min(Math.max(score, CERTAIN), 1 - CERTAIN);
  return Math.log(inside / (1 - inside));
}

/** Mean and standard deviation, which is 0 if the values only differ by rounding. */
export function spreadOf(values: Float64Array): { mean: number; deviation: number } {
  let mean = 0;
  for (const value of values) mean += value / values.length;
  let variance = 0;
  for (const value of values) variance += (value - mean) ** 2 / values.length;
  const deviation = Math.sqrt(variance);
  return { mean, deviation: deviation > SAME * Math.abs(mean) ? deviation : 0 };
}
