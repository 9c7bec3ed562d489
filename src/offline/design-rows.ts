/** Rows that a regression is fitted on, sparse and binary or dense, as designs. */
import { assert } from '../lib/errors.ts';
import type { Design } from '../lib/logistic-regression.ts';

/** Binary rows in CSR form: row i has ones in `columns[offsets[i] .. offsets[i + 1]]`, no column twice, all in `[0, width)`. */
export interface SparseRows {
  readonly offsets: Int32Array;
  readonly columns: Int32Array;
  readonly width: number;
}

/** `values` is `[rows, width]`, row-major. */
export interface DenseRows {
  readonly values: Float64Array;
  readonly width: number;
}

export function sparseDesign({ offsets, columns, width }: SparseRows): Design {
  const rows = offsets.length - 1;
  const multiplyTransposed = (values: Float64Array, out: Float64Array): void => {
    out.fill(0, 0, width);
    for (let i = 0; i < rows; i++) {
      const value = values[i]!;
      for (let k = offsets[i]!; k < offsets[i + 1]!; k++) out[columns[k]!]! += value;
    }
  };
  return {
    rows,
    width,
    multiply(point, out) {
      for (let i = 0; i < rows; i++) {
        let sum = 0;
        for (let k = offsets[i]!; k < offsets[i + 1]!; k++) sum += point[columns[k]!]!;
        out[i] = sum;
      }
    },
    multiplyTransposed,
    // ones are their own squares
    multiplyTransposedSquares: multiplyTransposed,
  };
}

export function denseDesign({ values: x, width }: DenseRows): Design {
  const rows = width === 0 ? 0 : x.length / width;
  assert(Number.isInteger(rows), `${x.length} values are no rows of ${width}`);
  return {
    rows,
    width,
    multiply(point, out) {
      for (let i = 0; i < rows; i++) {
        let sum = 0;
        for (let j = 0; j < width; j++) sum += x[i * width + j]! * point[j]!;
        out[i] = sum;
      }
    },
    multiplyTransposed(values, out) {
      out.fill(0, 0, width);
      for (let i = 0; i < rows; i++) {
        const value = values[i]!;
        for (let j = 0; j < width; j++) out[j]! += value * x[i * width + j]!;
      }
    },
    multiplyTransposedSquares(values, out) {
      out.fill(0, 0, width);
      for (let i = 0; i < rows; i++) {
        const value = values[i]!;
        for (let j = 0; j < width; j++) out[j]! += value * x[i * width + j]! ** 2;
      }
    },
  };
}
