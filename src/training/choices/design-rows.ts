/** Converts rows (sparse or dense) to designs, to which a regression can be fitted. */

import type { Design } from '../../../packages/onnx-grad/index.ts';
import { assert } from '../../lib/errors.ts';

/**
 * Rows in CSR form. Row i has `values` (ones if absent) in `columns[offsets[i] .. offsets[i + 1]]`; its columns are
 * distinct, and all are in `[0, width)`.
 */
export interface SparseRows {
  readonly offsets: Int32Array;
  readonly columns: Int32Array;
  readonly values?: Float32Array | null;
  readonly width: number;
}

/** Rows in dense form; `values` is `[rows, width]`, row-major. */
export interface DenseRows {
  readonly values: Float64Array;
  readonly width: number;
}

export function sparseDesign(rows: SparseRows): Design {
  // the squares of ones are ones
  const squares = rows.values ? { ...rows, values: rows.values.map((value) => value * value) } : rows;
  return {
    rows: rows.offsets.length - 1,
    width: rows.width,
    multiply: (point, out) => multiplySparse(rows, point, out),
    multiplyTransposed: (values, out) => multiplySparseTransposed(rows, values, out),
    multiplyTransposedSquares: (values, out) => multiplySparseTransposed(squares, values, out),
  };
}

export function denseDesign(rows: DenseRows): Design {
  const { values, width } = rows;
  const count = width === 0 ? 0 : values.length / width;
  assert(Number.isInteger(count), `${values.length} values are not whole rows of ${width}`);
  return {
    rows: count,
    width,
    multiply: (point, out) => multiplyDense(rows, point, out),
    multiplyTransposed: (factors, out) => multiplyDenseTransposed(rows, factors, out),
    multiplyTransposedSquares: (factors, out) => multiplyDenseSquares(rows, factors, out),
  };
}

/** Joins two designs of the same rows: the columns of `left`, then the columns of `right`. */
export function joinDesigns(left: Design, right: Design): Design {
  assert(left.rows === right.rows, `the designs have ${left.rows} and ${right.rows} rows`);
  const own = new Float64Array(left.rows);
  return {
    rows: left.rows,
    width: left.width + right.width,
    multiply(point, out) {
      left.multiply(point, out);
      right.multiply(point.subarray(left.width), own);
      for (let i = 0; i < own.length; i++) out[i]! += own[i]!;
    },
    multiplyTransposed(values, out) {
      left.multiplyTransposed(values, out);
      right.multiplyTransposed(values, out.subarray(left.width));
    },
    multiplyTransposedSquares(values, out) {
      left.multiplyTransposedSquares(values, out);
      right.multiplyTransposedSquares(values, out.subarray(left.width));
    },
  };
}

function multiplySparse({ offsets, columns, values }: SparseRows, point: Float64Array, out: Float64Array): void {
  const rows = offsets.length - 1;
  for (let i = 0; i < rows; i++) {
    const end = offsets[i + 1]!;
    let sum = 0;
    if (values) for (let k = offsets[i]!; k < end; k++) sum += point[columns[k]!]! * values[k]!;
    else for (let k = offsets[i]!; k < end; k++) sum += point[columns[k]!]!;
    out[i] = sum;
  }
}

function multiplySparseTransposed(
  { offsets, columns, values, width }: SparseRows,
  factors: Float64Array,
  out: Float64Array,
): void {
  out.fill(0, 0, width);
  for (let i = 0; i < factors.length; i++) {
    const factor = factors[i]!;
    const end = offsets[i + 1]!;
    if (values) for (let k = offsets[i]!; k < end; k++) out[columns[k]!]! += factor * values[k]!;
    else for (let k = offsets[i]!; k < end; k++) out[columns[k]!]! += factor;
  }
}

function multiplyDense({ values: x, width }: DenseRows, point: Float64Array, out: Float64Array): void {
  for (let i = 0; i < out.length; i++) {
    let sum = 0;
    for (let j = 0; j < width; j++) sum += x[i * width + j]! * point[j]!;
    out[i] = sum;
  }
}

function multiplyDenseTransposed({ values: x, width }: DenseRows, values: Float64Array, out: Float64Array): void {
  out.fill(0, 0, width);
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    for (let j = 0; j < width; j++) out[j]! += value * x[i * width + j]!;
  }
}

function multiplyDenseSquares({ values: x, width }: DenseRows, values: Float64Array, out: Float64Array): void {
  out.fill(0, 0, width);
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    for (let j = 0; j < width; j++) out[j]! += value * x[i * width + j]! ** 2;
  }
}
