/**
 * 90 % predictive intervals. They estimate a measurement on other members from a measurement on some members, and
 * contain the true value nine times in ten.
 */
import type { Interval } from '../../lib/interval.ts';

const TAIL = 0.05;
/** The normal quantile of 1 - TAIL. */
export const Z = 1.6448536269514722;
/**
 * Maximum number of other members in a computation. More members would reduce the noise by less than .005, which is not
 * worth the time.
 */
const MOST_OTHERS = 10_000;
/** Variance of a uniform variable on [0, 1]. */
const UNIFORM_VARIANCE = 1 / 12;

/**
 * The interval for the share of `others` that are hits, given that `hits` of `seeds` were hits: beta-binomial, the
 * posterior predictive under Jeffreys' prior Beta(1/2, 1/2). It includes the noise of both the seeds and the others.
 * The mean is hits / seeds, because the prior's pull towards 1/2 would produce a false lift at small sizes.
 */
export function shareInterval(hits: number, seeds: number, others: number): Interval {
  const count = Math.min(Math.max(Math.round(others), 1), MOST_OTHERS);
  const [a, b] = [hits + 0.5, seeds - hits + 0.5];
  // p(j + 1) / p(j) = (count - j) * (a + j) / ((j + 1) * (b + count - j - 1)); computed in logarithms because p(0) may
  // underflow
  const logs = new Float64Array(count + 1);
  let greatest = 0;
  for (let j = 0; j < count; j++) {
    logs[j + 1] = logs[j]! + Math.log(((count - j) * (a + j)) / ((j + 1) * (b + count - j - 1)));
    greatest = Math.max(greatest, logs[j + 1]!);
  }
  const weights = logs.map((log) => Math.exp(log - greatest));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const quantile = (q: number) => {
    let sum = 0;
    for (let j = 0; j < count; j++) {
      sum += weights[j]! / total;
      if (sum >= q) return j / count;
    }
    return 1;
  };
  const mean = hits / seeds;
  return { mean, low: Math.min(mean, quantile(TAIL)), high: Math.max(mean, quantile(1 - TAIL)) };
}

/**
 * The interval for the mean over `others` of values in [0, 1], given a sample `values`: Student's t on the spread of
 * the sample plus one pseudo-value with the variance of a uniform variable, so that a few equal values do not imply
 * certainty. With weights, the effective sample size is used (Kish 1965).
 */
export function meanInterval(values: Float64Array, others: number, weights?: Float32Array): Interval {
  const [sum, sumOfSquares] = [1, 2].map((power) =>
    weights ? weights.reduce((all, weight) => all + weight ** power, 0) : values.length,
  ) as [number, number];
  const count = sum ** 2 / sumOfSquares;
  const shareOf = (i: number) => (weights ? (weights[i]! * count) / sum : 1);
  const mean = values.reduce((all, value, i) => all + shareOf(i) * value, 0) / count;
  const squares = values.reduce((all, value, i) => all + shareOf(i) * (value - mean) ** 2, 0);
  const variance = (squares + UNIFORM_VARIANCE) / count;
  const half = studentQuantile(count) * Math.sqrt(variance * (1 / count + 1 / others));
  return { mean, low: Math.max(0, mean - half), high: Math.min(1, mean + half) };
}

/**
 * The .95 quantile of Student's t, by its expansion in 1 / degrees (Abramowitz & Stegun 26.7.5). It is accurate to .002
 * for 4 or more degrees of freedom.
 */
function studentQuantile(degrees: number): number {
  const terms = [
    (Z ** 3 + Z) / 4,
    (5 * Z ** 5 + 16 * Z ** 3 + 3 * Z) / 96,
    (3 * Z ** 7 + 19 * Z ** 5 + 17 * Z ** 3 - 15 * Z) / 384,
  ];
  return terms.reduce((sum, term, i) => sum + term / degrees ** (i + 1), Z);
}
