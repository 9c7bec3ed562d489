/**
 * Computes the initial latent vectors: a truncated SVD of the sparse users x tokens matrix by randomised subspace
 * iteration (Halko, Martinsson & Tropp 2011).
 */
import type { Rng } from '../../lib/rng.ts';
import { symmetricEigen } from '../../online/regression/symmetric-eigen.ts';
import { type OneHot, tokenFrequencies } from '../history/one-hot.ts';

/** Number of additional directions to compute, so that the last requested directions are accurate too. */
const OVERSAMPLING = 10;
/**
 * Rounds of subspace iteration. Each round multiplies every direction by the square of its singular value, so the
 * leading directions stand out more.
 */
const ROUNDS = 4;
/** The default weight of rare tokens, which is the square root of their IDF. */
const IDF_POWER = 0.5;

/**
 * V[t] = w_t * Y[t] / std(all entries of U * S), `[width, rank]` row-major, with X * diag(w) ~ U * S * Y^T of rank
 * `rank`, X the binary matrix of `oneHot`, and w_t = max(0, ln(n / (df_t + 1))) ** power. The vector of a user, which
 * is the sum of V[t] over the user's tokens, is U * S up to that scale. Memory is bounded: two dense blocks of users x
 * (rank + 10) and tokens x (rank + 10).
 */
export function latentStart(oneHot: OneHot, rank: number, rng: Rng, power = IDF_POWER): Float32Array {
  const { users, width } = oneHot;
  const weights = tokenWeights(oneHot, power);
  const columns = Math.min(rank + OVERSAMPLING, users.length, width);
  const tokens = new Float32Array(width * columns);
  for (let i = 0; i < tokens.length; i++) tokens[i] = rng.normal();
  const left = new Float32Array(users.length * columns);
  for (let round = 0; round < ROUNDS; round++) {
    const isLast = round === ROUNDS - 1;
    multiply(oneHot, weights, tokens, left, columns);
    // intermediate rounds need only the column space, and orthonormalising over tokens is cheaper than over users
    if (isLast) for (let pass = 0; pass < 2; pass++) orthonormalise(left, users.length, columns);
    multiplyTransposed(oneHot, weights, left, tokens, columns);
    if (!isLast) orthonormalise(tokens, width, columns);
  }
  // X * diag(w) ~ Q * B with B^T = tokens; its right singular vectors are those of B, found from the eigenvectors of B
  // * B^T
  const { vectors, values } = symmetricEigen(gram(tokens, width, columns), columns);
  const kept = Math.min(rank, columns);
  const out = new Float32Array(width * rank);
  const singular = Float64Array.from({ length: kept }, (_, j) => Math.sqrt(Math.max(values[j]!, 0)));
  const scale = spreadOf(left, users.length, columns, vectors, singular);
  for (let t = 0; t < width; t++) {
    const w = weights[t]!;
    if (w === 0) continue;
    for (let j = 0; j < kept; j++) {
      if (singular[j]! < 1e-6 * singular[0]!) continue;
      let sum = 0;
      for (let c = 0; c < columns; c++) sum += tokens[t * columns + c]! * vectors[c * columns + j]!;
      out[t * rank + j] = (w * sum) / singular[j]! / scale;
    }
  }
  return out;
}

/** w_t = max(0, ln(n / (df_t + 1))) ** power; 0 for tokens that nobody has. */
function tokenWeights(oneHot: OneHot, power: number): Float32Array {
  return Float32Array.from(tokenFrequencies(oneHot), (count) =>
    count === 0 ? 0 : Math.max(0, Math.log(oneHot.users.length / (count + 1))) ** power,
  );
}

/**
 * Computes out = X * diag(w) * right, `[users, columns]`, four tokens at a time, so that their rows are loaded from
 * memory concurrently.
 */
function multiply(
  { offsets, tokens, users }: OneHot,
  weights: Float32Array,
  right: Float32Array,
  out: Float32Array,
  columns: number,
): void {
  out.fill(0);
  for (let i = 0; i < users.length; i++) {
    const row = i * columns;
    const end = offsets[users[i]! + 1]!;
    let j = offsets[users[i]!]!;
    for (; j + 4 <= end; j += 4) {
      const [t0, t1, t2, t3] = [tokens[j]!, tokens[j + 1]!, tokens[j + 2]!, tokens[j + 3]!];
      const [w0, w1, w2, w3] = [weights[t0]!, weights[t1]!, weights[t2]!, weights[t3]!];
      const [f0, f1, f2, f3] = [t0 * columns, t1 * columns, t2 * columns, t3 * columns];
      for (let c = 0; c < columns; c++)
        out[row + c]! += w0 * right[f0 + c]! + w1 * right[f1 + c]! + (w2 * right[f2 + c]! + w3 * right[f3 + c]!);
    }
    for (; j < end; j++) {
      const from = tokens[j]! * columns;
      const w = weights[tokens[j]!]!;
      for (let c = 0; c < columns; c++) out[row + c]! += w * right[from + c]!;
    }
  }
}

/**
 * Computes out = diag(w) * X^T * left, `[width, columns]`, four tokens at a time, so that their rows are loaded from
 * memory concurrently. No user repeats a token.
 */
function multiplyTransposed(
  { offsets, tokens, users }: OneHot,
  weights: Float32Array,
  left: Float32Array,
  out: Float32Array,
  columns: number,
): void {
  out.fill(0);
  for (let i = 0; i < users.length; i++) {
    const row = i * columns;
    const end = offsets[users[i]! + 1]!;
    let j = offsets[users[i]!]!;
    for (; j + 4 <= end; j += 4) {
      const [t0, t1, t2, t3] = [tokens[j]!, tokens[j + 1]!, tokens[j + 2]!, tokens[j + 3]!];
      const [w0, w1, w2, w3] = [weights[t0]!, weights[t1]!, weights[t2]!, weights[t3]!];
      const [f0, f1, f2, f3] = [t0 * columns, t1 * columns, t2 * columns, t3 * columns];
      for (let c = 0; c < columns; c++) {
        const x = left[row + c]!;
        out[f0 + c]! += w0 * x;
        out[f1 + c]! += w1 * x;
        out[f2 + c]! += w2 * x;
        out[f3 + c]! += w3 * x;
      }
    }
    for (; j < end; j++) {
      const to = tokens[j]! * columns;
      const w = weights[tokens[j]!]!;
      for (let c = 0; c < columns; c++) out[to + c]! += w * left[row + c]!;
    }
  }
}

/**
 * Computes M^T * M, `[columns, columns]`, four rows at a time, so that the sums are read and written a quarter as
 * often.
 */
export function gram(m: Float32Array, rows: number, columns: number): Float64Array {
  const out = new Float64Array(columns * columns);
  let r = 0;
  for (; r + 4 <= rows; r += 4) {
    const r0 = r * columns;
    const [r1, r2, r3] = [r0 + columns, r0 + 2 * columns, r0 + 3 * columns];
    for (let a = 0; a < columns; a++) {
      const [x0, x1, x2, x3] = [m[r0 + a]!, m[r1 + a]!, m[r2 + a]!, m[r3 + a]!];
      const to = a * columns;
      for (let c = a; c < columns; c++)
        out[to + c]! += x0 * m[r0 + c]! + x1 * m[r1 + c]! + (x2 * m[r2 + c]! + x3 * m[r3 + c]!);
    }
  }
  for (; r < rows; r++) {
    const at = r * columns;
    for (let a = 0; a < columns; a++)
      for (let c = a; c < columns; c++) out[a * columns + c]! += m[at + a]! * m[at + c]!;
  }
  for (let a = 0; a < columns; a++) for (let c = 0; c < a; c++) out[a * columns + c] = out[c * columns + a]!;
  return out;
}

/**
 * Makes the columns orthonormal in place: M <- M * E * diag(1 / sqrt(lambda)) with M^T * M = E * diag(lambda) * E^T. A
 * second call adds precision. Directions whose eigenvalue is almost 0 become columns of zeros.
 */
export function orthonormalise(m: Float32Array, rows: number, columns: number): void {
  const { vectors, values } = symmetricEigen(gram(m, rows, columns), columns);
  const largest = values[0]!;
  // works column by column, so that the coefficients of a new column are contiguous
  const change = new Float64Array(columns * columns);
  for (let j = 0; j < columns; j++) {
    const factor = values[j]! > 1e-12 * largest ? 1 / Math.sqrt(values[j]!) : 0;
    for (let c = 0; c < columns; c++) change[j * columns + c] = vectors[c * columns + j]! * factor;
  }
  const row = new Float64Array(columns);
  for (let r = 0; r < rows; r++) {
    const at = r * columns;
    for (let c = 0; c < columns; c++) row[c] = m[at + c]!;
    for (let j = 0; j < columns; j++) {
      let sum = 0;
      for (let c = 0, from = j * columns; c < columns; c++) sum += row[c]! * change[from + c]!;
      m[at + j] = sum;
    }
  }
}

/**
 * Standard deviation of all rows x kept entries of U * S, with U = left * `vectors`. The columns of U are orthonormal,
 * so the squares of the entries add up to the sum of the squared singular values, and the entries add up to S times the
 * sums of U's columns.
 */
function spreadOf(
  left: Float32Array,
  rows: number,
  columns: number,
  vectors: Float64Array,
  singular: Float64Array,
): number {
  const sums = new Float64Array(columns);
  for (let r = 0, at = 0; r < rows; r++) for (let c = 0; c < columns; c++) sums[c]! += left[at++]!;
  let sum = 0;
  let squares = 0;
  for (const [j, s] of singular.entries()) {
    for (let c = 0; c < columns; c++) sum += s * sums[c]! * vectors[c * columns + j]!;
    squares += s * s;
  }
  const count = Math.max(1, rows * singular.length);
  return Math.sqrt(Math.max(squares / count - (sum / count) ** 2, 1e-12));
}
