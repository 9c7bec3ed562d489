/** Users as sparse rows of features: the input of the whole-population regression. */

/**
 * Row i has the value `values[k]` in column `columns[k]` for each k in `starts[i] .. starts[i + 1]`. No column occurs
 * twice in a row, and all columns are in `[0, width)`.
 */
export interface SparseRows {
  readonly width: number;
  /** `[rows + 1]` */
  readonly starts: Int32Array;
  readonly columns: Int32Array;
  readonly values: Float32Array;
}

/** Returns out[i] = dot(x_i, weights), `[rows]`. */
export function multiplySparseRows({ starts, columns, values }: SparseRows, weights: Float64Array): Float64Array {
  const out = new Float64Array(starts.length - 1);
  for (let row = 0; row < out.length; row++) {
    let sum = 0;
    for (let k = starts[row]!, end = starts[row + 1]!; k < end; k++) sum += values[k]! * weights[columns[k]!]!;
    out[row] = sum;
  }
  return out;
}

/** The mean of some rows, `[width]`. `weights` are the weights of these rows, with mean 1. */
export function meanOfRows(
  { width, starts, columns, values }: SparseRows,
  rows: Int32Array,
  weights?: Float32Array,
): Float64Array {
  const out = new Float64Array(width);
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i]!;
    const weight = weights ? weights[i]! : 1;
    for (let k = starts[row]!, end = starts[row + 1]!; k < end; k++)
      out[columns[k]!]! += (weight * values[k]!) / rows.length;
  }
  return out;
}

/**
 * Evenly spread positions among `rows` rows that have `features` features in total. The selected rows have about `most`
 * features in total; all rows are selected if they have at most `most` features.
 */
export function evenRows(rows: number, features: number, most: number): Int32Array {
  const count = features <= most ? rows : Math.max(1, Math.floor((rows * most) / features));
  return Int32Array.from({ length: count }, (_, i) => Math.floor((i * rows) / count));
}
