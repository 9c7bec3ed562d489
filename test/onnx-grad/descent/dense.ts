/** The regression's algebra on plain matrices, and random sparse rows: the reference for the operators. */

import { createRng } from '../../../src/lib/rng.ts';
import { addRows, type ColumnSums, type Covariance, emptySums } from '../../../src/online/regression/covariance.ts';
import type { RowProducts } from '../../../src/online/regression/products.ts';
import type { SparseRows } from '../../../src/online/regression/sparse-rows.ts';

export type Matrix = readonly (readonly number[])[];

/** `rows` rows, each with up to five of `width` columns; no row has the last column, many have the first. */
export function drawRows(rows: number, width: number, key = 'rows'): SparseRows {
  const rng = createRng(key);
  const drawn = Array.from({ length: rows }, () => {
    const columns = new Set<number>(rng.uniform() < 0.7 ? [0] : []);
    for (let i = rng.integer(5); i > 0; i--) columns.add(rng.integer(width - 1));
    return Array.from(columns, (column): [number, number] => [column, Math.fround(0.2 + rng.uniform())]);
  });
  return sparseOf(drawn, width);
}

export function sparseOf(rows: readonly (readonly (readonly [column: number, value: number])[])[], width: number) {
  const starts = new Int32Array(rows.length + 1);
  rows.forEach((row, i) => {
    starts[i + 1] = starts[i]! + row.length;
  });
  const entries = rows.flat();
  return {
    width,
    starts,
    columns: Int32Array.from(entries, ([column]) => column),
    values: Float32Array.from(entries, ([, value]) => value),
  };
}

export function denseOf({ width, starts, columns, values }: SparseRows): number[][] {
  return Array.from({ length: starts.length - 1 }, (_, row) => {
    const out = new Array<number>(width).fill(0);
    for (let k = starts[row]!; k < starts[row + 1]!; k++) out[columns[k]!]! += values[k]!;
    return out;
  });
}

export function sumsOf(rows: SparseRows): ColumnSums {
  const sums = emptySums(rows.width);
  addRows(sums, rows);
  return sums;
}

export const meanOf = (x: Matrix): number[] => x[0]!.map((_, t) => x.reduce((sum, row) => sum + row[t]!, 0) / x.length);

/** c_t = (the share of rows that have column t) ^ -power; 0 where none has. */
export const scaleOf = (x: Matrix, power: number): number[] =>
  x[0]!.map((_, t) => {
    const count = x.filter((row) => row[t] !== 0).length;
    return count === 0 ? 0 : (count / x.length) ** -power;
  });

export const scaled = (x: Matrix, scale: readonly number[]): number[][] =>
  x.map((row) => row.map((value, t) => value * scale[t]!));

/** (1/n) sum of (x - mean)(x - mean)'. */
export function covarianceByHand(x: Matrix): number[][] {
  const mean = meanOf(x);
  return mean.map((_, s) =>
    mean.map((__, t) => x.reduce((sum, row) => sum + (row[s]! - mean[s]!) * (row[t]! - mean[t]!), 0) / x.length),
  );
}

/** x of a x = b, by Gaussian elimination with pivots. */
export function solve(a: Matrix, b: readonly number[]): number[] {
  const rows = a.map((row, i) => [...row, b[i]!]);
  const size = rows.length;
  for (let column = 0; column < size; column++) {
    let pivot = column;
    for (let i = column + 1; i < size; i++)
      if (Math.abs(rows[i]![column]!) > Math.abs(rows[pivot]![column]!)) pivot = i;
    [rows[column], rows[pivot]] = [rows[pivot]!, rows[column]!];
    for (let i = column + 1; i < size; i++) {
      const factor = rows[i]![column]! / rows[column]![column]!;
      for (let j = column; j <= size; j++) rows[i]![j]! -= factor * rows[column]![j]!;
    }
  }
  const x = new Array<number>(size).fill(0);
  for (let i = size - 1; i >= 0; i--)
    x[i] =
      (rows[i]![size]! - rows[i]!.reduce((sum, value, j) => (j < size ? sum + value * x[j]! : sum), 0)) / rows[i]![i]!;
  return x;
}

export const plusDiagonal = (a: Matrix, sigma: number): number[][] =>
  a.map((row, i) => row.map((value, j) => (i === j ? value + sigma : value)));

export const times = (a: Matrix, v: readonly number[]): number[] =>
  a.map((row) => row.reduce((sum, value, j) => sum + value * v[j]!, 0));

/** The product of a covariance with one vector. */
export function applied(products: RowProducts, covariance: Covariance, v: Float64Array): Float64Array {
  const out = new Float64Array(covariance.width).fill(Number.NaN);
  const alone = { lane: 0, of: 1 };
  covariance.before(v, alone);
  products.multiply(1);
  covariance.after(v, alone, out);
  return out;
}

/** The matrix of an operator, column by column. */
export function writtenOut(products: RowProducts, covariance: Covariance): number[][] {
  const { width } = covariance;
  const columns = Array.from({ length: width }, (_, t) =>
    applied(products, covariance, new Float64Array(width).fill(1, t, t + 1)),
  );
  return columns.map((_, s) => columns.map((column) => column[s]!));
}

export const furthest = (a: Iterable<number>, b: readonly number[]): number => {
  const own = [...a];
  return own.length === b.length ? Math.max(...own.map((x, i) => Math.abs(x - b[i]!))) : Number.POSITIVE_INFINITY;
};
