/** Computes the initial map of a vector into the latent space, which consists of the vector's principal components. */

import type { Rng } from '../../lib/rng.ts';
import { MOST_DEVIATIONS, type NumberScale } from '../../model/architectures/feature-inputs.ts';
import { symmetricEigen } from '../../online/regression/symmetric-eigen.ts';
import type { Population } from '../../population/read.ts';
import { gram, orthonormalise } from './latent-start.ts';

/** Number of additional directions to compute, so that the last requested directions are accurate too. */
const OVERSAMPLING = 10;
/** Rounds of subspace iteration. */
const ROUNDS = 4;
/** Maximum number of users, evenly spread over the population, from whom the components are computed. */
const MOST_USERS = 20_000;

/**
 * The `rank` leading principal components of a vector's standardised numbers, `[size, rank]` row-major. The components
 * are scaled like the latent vectors of tokens: the entries of all mapped users, taken together, have a variance of 1.
 * Zeros if no user has the vector.
 */
export function vectorStart(
  population: Population,
  feature: string,
  scale: NumberScale,
  rank: number,
  rng: Rng,
): Float32Array {
  const size = scale.means.length;
  const rows = standardRows(population, feature, scale);
  const count = rows.length / size;
  const out = new Float32Array(size * rank);
  if (count === 0) return out;
  const columns = Math.min(rank + OVERSAMPLING, size, count);
  const basis = Float32Array.from({ length: size * columns }, () => rng.normal());
  const left = new Float32Array(count * columns);
  for (let round = 0; round < ROUNDS; round++) {
    orthonormalise(basis, size, columns);
    multiply(rows, basis, left, size, columns);
    if (round < ROUNDS - 1) multiplyTransposed(rows, left, basis, size, columns);
  }
  // the eigenvectors of the covariance, in the coordinates of the basis, rotate the basis into the components
  const { vectors, values } = symmetricEigen(gram(left, count, columns), columns);
  const kept = Math.min(rank, columns);
  const variance = values.subarray(0, kept).reduce((sum, value) => sum + Math.max(value, 0), 0) / count / kept;
  const unit = variance > 0 ? 1 / Math.sqrt(variance) : 0;
  for (let i = 0; i < size; i++) {
    for (let j = 0; j < kept; j++) {
      let sum = 0;
      for (let c = 0; c < columns; c++) sum += basis[i * columns + c]! * vectors[c * columns + j]!;
      out[i * rank + j] = sum * unit;
    }
  }
  return out;
}

/** The vectors of users who have a vector, standardised as in the model's graph. */
function standardRows(population: Population, feature: string, { means, deviations }: NumberScale): Float32Array {
  const size = means.length;
  const count = Math.min(population.rowCount, MOST_USERS);
  const rows = Int32Array.from({ length: count }, (_, i) => Math.floor((i * population.rowCount) / count));
  const column = population.readRows(rows).columns.get(feature)!;
  if (column.kind !== 'vector') throw new TypeError(`${feature} is not a vector`);
  const { values } = column;
  const out = new Float32Array(values.length);
  let used = 0;
  for (let from = 0; from < values.length; from += size) {
    if (Number.isNaN(values[from]!)) continue;
    for (let i = 0; i < size; i++) {
      const standard = (values[from + i]! - means[i]!) / deviations[i]!;
      out[used++] = Math.min(Math.max(standard, -MOST_DEVIATIONS), MOST_DEVIATIONS);
    }
  }
  return out.subarray(0, used);
}

/** Computes out = rows * basis, `[count, columns]`. */
function multiply(rows: Float32Array, basis: Float32Array, out: Float32Array, size: number, columns: number): void {
  out.fill(0);
  for (let r = 0, to = 0; r < rows.length; r += size, to += columns)
    for (let i = 0; i < size; i++) {
      const x = rows[r + i]!;
      for (let c = 0, from = i * columns; c < columns; c++) out[to + c]! += x * basis[from + c]!;
    }
}

/** Computes out = rows' * left, `[size, columns]`. */
function multiplyTransposed(
  rows: Float32Array,
  left: Float32Array,
  out: Float32Array,
  size: number,
  columns: number,
): void {
  out.fill(0);
  for (let r = 0, from = 0; r < rows.length; r += size, from += columns)
    for (let i = 0; i < size; i++) {
      const x = rows[r + i]!;
      for (let c = 0, to = i * columns; c < columns; c++) out[to + c]! += x * left[from + c]!;
    }
}
