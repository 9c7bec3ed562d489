/**
 * The covariance of a population's scaled rows as an operator. It is applied to vectors; the matrix is never formed.
 */
import type { Lane, RowProducts } from './products.ts';
import type { SparseRows } from './sparse-rows.ts';

/** Sums over rows, by column; every array is `[width]`. */
export interface ColumnSums {
  /** Number of rows added, including those without features. */
  rows: number;
  /** Number of rows in which a column has a value. */
  readonly counts: Float64Array;
  readonly sums: Float64Array;
  readonly squares: Float64Array;
}

/** The first two moments of rows whose columns are scaled; every array is `[width]`. */
export interface Moments {
  /** c_t, the factor of column t; 0 for a column without a value in any row. */
  readonly scale: Float64Array;
  readonly mean: Float64Array;
  /** Variance of each column; 0 if all rows have the same value up to rounding. */
  readonly variance: Float64Array;
  /** The sum of the variances. */
  readonly trace: number;
}

/** A variance below this share of the mean square is treated as a rounding error, because values are float32. */
const ROUNDING = 1e-12;

export function emptySums(width: number): ColumnSums {
  return { rows: 0, counts: new Float64Array(width), sums: new Float64Array(width), squares: new Float64Array(width) };
}

export function addRows(sums: ColumnSums, { starts, columns, values }: SparseRows): void {
  for (let k = starts[0]!, end = starts[starts.length - 1]!; k < end; k++) {
    const [column, value] = [columns[k]!, values[k]!];
    sums.counts[column]! += 1;
    sums.sums[column]! += value;
    sums.squares[column]! += value * value;
  }
  sums.rows += starts.length - 1;
}

/**
 * Computes the moments of rows whose columns are scaled by c_t = f_t ^ -power; f_t is the share of rows with a value in
 * column t.
 */
export function momentsOf({ rows, counts, sums, squares }: ColumnSums, power: number): Moments {
  const scale = counts.map((count) => (count === 0 ? 0 : (count / rows) ** -power));
  const mean = sums.map((sum, t) => (scale[t]! * sum) / rows);
  const variance = squares.map((sum, t) => {
    const square = (scale[t]! ** 2 * sum) / rows;
    const own = square - mean[t]! ** 2;
    return own > ROUNDING * square ? own : 0;
  });
  return { scale, mean, variance, trace: variance.reduce((sum, x) => sum + x, 0) };
}

/**
 * A symmetric positive semi-definite matrix G, `[width, width]`, that is applied in two halves. Between the halves, the
 * products of several vectors are computed together.
 */
export interface Covariance {
  readonly width: number;
  /** Writes the vector to be multiplied into a lane of the products' input. */
  before(v: Float64Array, lane: Lane): void;
  /** Computes out = G * v from a lane of the products' output. */
  after(v: Float64Array, lane: Lane, out: Float64Array): void;
}

/**
 * G = X' * X / n - mean * mean' of scaled rows, computed from the rows: each application takes two passes over the
 * features of these rows. If the rows are a sample, `moments` may cover the whole population. The diagonal is then
 * known exactly: every entry that the sample underestimates is corrected, and only the off-diagonal entries are
 * estimates.
 */
export function covarianceOf(products: RowProducts, moments: Moments): Covariance {
  const { scale, mean, variance } = moments;
  const { width, starts, columns, values } = products.rows;
  const { input, output } = products;
  const rows = starts.length - 1;
  const missing = variance.slice();
  for (let k = 0; k < columns.length; k++) {
    const column = columns[k]!;
    missing[column]! -= (scale[column]! * values[k]!) ** 2 / rows;
  }
  for (let t = 0; t < width; t++) missing[t] = Math.max(missing[t]! + mean[t]! ** 2, 0);
  return {
    width,
    before(v, { lane, of }) {
      for (let t = 0, at = lane; t < width; t++, at += of) input[at] = scale[t]! * v[t]!;
    },
    after(v, { lane, of }, out) {
      let inner = 0;
      for (let t = 0; t < width; t++) inner += mean[t]! * v[t]!;
      for (let t = 0, at = lane; t < width; t++, at += of)
        out[t] = (scale[t]! * output[at]!) / rows - mean[t]! * inner + missing[t]! * v[t]!;
    },
  };
}

/** The covariance as it would be if no row had a value in one of the columns. */
export function withoutColumn(covariance: Covariance, column: number): Covariance {
  const masked = new Float64Array(covariance.width);
  const mask = (v: Float64Array): Float64Array => {
    masked.set(v);
    masked[column] = 0;
    return masked;
  };
  return {
    width: covariance.width,
    before: (v, lane) => covariance.before(mask(v), lane),
    after(v, lane, out) {
      covariance.after(mask(v), lane, out);
      out[column] = 0;
    },
  };
}
