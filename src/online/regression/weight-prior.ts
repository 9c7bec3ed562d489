/**
 * A prior of regression weights as a change of coordinates: w = P * y with w ~ N(0, P * P'), P = I + sum of h * u * u'.
 * A ridge penalty on y shrinks w less along the directions u than across them.
 */

import { DirectionProducts } from './products.ts';

/** Directions of weights, `[rank, width]`, row by row. */
export interface Directions {
  readonly rank: number;
  readonly width: number;
  readonly directions: Float32Array;
}

export interface WeightPrior {
  /** Computes out = P * v; both are `[width]`. */
  apply(v: Float64Array, out: Float64Array): void;
}

/**
 * The change of coordinates for the covariance I + `variance` * (sum of d * d'), with d in the coordinates of columns
 * scaled by `scale` (0 for columns without a value in any row). It is exact if the directions are orthogonal in these
 * coordinates, as they are for the users on whom a model was trained. The change of coordinates is symmetric and
 * positive definite in any case.
 */
export function weightPrior(
  { rank, width, directions }: Directions,
  scale: Float64Array,
  variance: number,
): WeightPrior {
  const products = new DirectionProducts(rank, width);
  const { stride, units, gains } = products;
  for (let i = 0; i < rank; i++) {
    let square = 0;
    for (let t = 0; t < width; t++) {
      const value = scale[t] === 0 ? 0 : directions[i * width + t]! / scale[t]!;
      units[i * stride + t] = value;
      square += value * value;
    }
    gains[i] = Math.sqrt(1 + variance * square) - 1;
    const norm = Math.sqrt(square) || 1;
    for (let t = 0; t < width; t++) units[i * stride + t]! /= norm;
  }
  return products;
}
