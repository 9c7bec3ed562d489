/** Products with the features of rows, in WebAssembly memory (feature-products.wat). */
import { openKernels } from '../wasm.ts';
import { FEATURE_PRODUCTS_WASM } from './feature-products-wasm.ts';
import type { LinearFeatures } from './linear-features.ts';
import type { Design } from './logistic-regression.ts';

/** Maximum number of rows per call of a kernel; a multiple of four. */
const MOST_ROWS = 4096;

export interface Columns {
  readonly sparse: boolean;
  readonly dense: boolean;
}

const ALL: Columns = { sparse: true, dense: true };

/** The exports of feature-products.wat. */
interface Kernels {
  readonly multiply_sparse: SparseKernel;
  readonly add_sparse_columns: SparseKernel;
  readonly add_dense_products: DenseKernel;
  readonly add_dense_columns: DenseKernel;
}

/** One of `given` and `out` has a number per row, and the other has a number per column. */
type SparseKernel = (
  rows: number,
  count: number,
  starts: number,
  columns: number,
  values: number,
  given: number,
  out: number,
) => void;
type DenseKernel = (rows: number, count: number, dense: number, width: number, given: number, out: number) => void;

export class FeatureProducts {
  /** The features, as views of the memory. */
  readonly features: LinearFeatures;
  readonly #kernels: Kernels;
  /** One number per column, plus one extra number. */
  readonly #byColumn: Float64Array;
  /** One number per row of a call. */
  readonly #byRow: Float64Array;
  readonly #rows: Int32Array;

  /** Copies the features. */
  constructor(features: LinearFeatures) {
    const { width, starts, columns, values, dense } = features;
    const words = MOST_ROWS + starts.length + columns.length + values.length + dense.length + 1;
    const bytes = 8 * (width + 1 + MOST_ROWS) + 4 * words;
    const { kernels, take } = openKernels<Kernels>(FEATURE_PRODUCTS_WASM, 'features', bytes);
    this.#kernels = kernels;
    this.#byColumn = take(Float64Array, width + 1);
    this.#byRow = take(Float64Array, MOST_ROWS);
    this.#rows = take(Int32Array, MOST_ROWS);
    this.features = {
      ...features,
      starts: take(Int32Array, starts.length),
      columns: take(Int32Array, columns.length),
      values: take(Float32Array, values.length),
      dense: take(Float32Array, dense.length),
    };
    this.features.starts.set(starts);
    this.features.columns.set(columns);
    this.features.values.set(values);
    this.features.dense.set(dense);
  }

  /** Computes out[i] = sum_j x(rows[i], j) * point[j]; `point` is `[width]` or longer. */
  multiply(rows: Int32Array, point: Float64Array, out: Float64Array, which: Columns = ALL): void {
    const { width, firstDense, starts, columns, values, dense } = this.features;
    const denseWidth = width - firstDense;
    this.#byColumn.set(point.subarray(0, width));
    const at = this.#byColumn.byteOffset;
    const sums = this.#byRow.byteOffset;
    for (let from = 0; from < rows.length; from += MOST_ROWS) {
      const part = rows.subarray(from, from + MOST_ROWS);
      // kernels take four rows at once, so the rows are padded to a multiple of four, and the sums of the padding are
      // ignored
      const count = 4 * Math.ceil(part.length / 4);
      this.#rows.set(part);
      this.#rows.fill(0, part.length, count);
      const own = this.#rows.byteOffset;
      if (which.sparse)
        this.#kernels.multiply_sparse(own, count, starts.byteOffset, columns.byteOffset, values.byteOffset, at, sums);
      else this.#byRow.fill(0, 0, count);
      if (which.dense)
        this.#kernels.add_dense_products(own, count, dense.byteOffset, denseWidth, at + 8 * firstDense, sums);
      out.set(this.#byRow.subarray(0, part.length), from);
    }
  }

  /**
   * Computes out[j] = sum_i weights[i] * x(rows[i], j) for the first `width` entries, and 0 for excluded columns.
   */
  multiplyTransposed(
    rows: Int32Array,
    weights: Float64Array | Float32Array,
    out: Float64Array,
    which: Columns = ALL,
  ): void {
    const { width, firstDense, starts, columns, values, dense } = this.features;
    const denseWidth = width - firstDense;
    const sums = this.#byColumn.fill(0);
    const to = sums.byteOffset;
    const given = this.#byRow.byteOffset;
    for (let from = 0; from < rows.length; from += MOST_ROWS) {
      const part = rows.subarray(from, from + MOST_ROWS);
      this.#rows.set(part);
      this.#byRow.set(weights.subarray(from, from + MOST_ROWS));
      const own = this.#rows.byteOffset;
      if (which.sparse)
        this.#kernels.add_sparse_columns(
          own,
          part.length,
          starts.byteOffset,
          columns.byteOffset,
          values.byteOffset,
          given,
          to,
        );
      if (!which.dense) continue;
      const fours = part.length - (part.length % 4);
      this.#kernels.add_dense_columns(own, fours, dense.byteOffset, denseWidth, given, to + 8 * firstDense);
      for (let i = fours; i < part.length; i++)
        for (let d = 0, k = part[i]! * denseWidth; d < denseWidth; d++)
          sums[firstDense + d]! += this.#byRow[i]! * dense[k + d]!;
    }
    out.set(sums.subarray(0, width));
  }

  /** Like `multiplyTransposed`, but with the squares of the features. */
  multiplyTransposedSquares(rows: Int32Array, weights: Float64Array, out: Float64Array, which: Columns = ALL): void {
    const { width, firstDense, starts, columns, values, dense } = this.features;
    const denseWidth = width - firstDense;
    out.fill(0, 0, width);
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i]!;
      const weight = weights[i]!;
      if (which.sparse)
        for (let k = starts[row]!, end = starts[row + 1]!; k < end; k++)
          out[columns[k]!]! += weight * (values[k]! * values[k]!);
      if (which.dense)
        for (let d = 0, k = row * denseWidth; d < denseWidth; d++)
          out[firstDense + d]! += weight * (dense[k + d]! * dense[k + d]!);
    }
  }

  /** Returns the design matrix of a regression on some rows. Columns without a strength are excluded. */
  design(rows: Int32Array, strengths: Float64Array): Design {
    const { width, firstDense } = this.features;
    const which: Columns = {
      sparse: strengths.subarray(0, firstDense).some((strength) => strength > 0),
      dense: strengths.subarray(firstDense).some((strength) => strength > 0),
    };
    const leaveOut = (out: Float64Array): void => {
      for (let j = 0; j < width; j++) if (strengths[j] === 0) out[j] = 0;
    };
    return {
      rows: rows.length,
      width,
      // an excluded column has a gradient of 0, so its weight stays 0
      multiply: (point, out) => this.multiply(rows, point, out, which),
      multiplyTransposed: (values, out) => {
        this.multiplyTransposed(rows, values, out, which);
        leaveOut(out);
      },
      multiplyTransposedSquares: (values, out) => {
        this.multiplyTransposedSquares(rows, values, out, which);
        leaveOut(out);
      },
    };
  }
}
