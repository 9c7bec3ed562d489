/** The rows that a regression is fitted on, sparse and binary or dense, and their products; the bias is a last column of ones. */

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

export type DesignRows = SparseRows | DenseRows;

/** Whether the rows are as many as `count`. */
export function hasRows(rows: DesignRows, count: number): boolean {
  return 'values' in rows ? rows.values.length === count * rows.width : rows.offsets.length === count + 1;
}

/** out[i] = x_i . point + bias */
export function multiply(rows: DesignRows, point: Float64Array, out: Float64Array): void {
  if ('values' in rows) multiplyDense(rows, point, out);
  else multiplySparse(rows, point, out);
}

/** out = X' values. */
export function multiplyTransposed(rows: DesignRows, values: Float64Array, out: Float64Array): void {
  out.fill(0);
  if ('values' in rows) addDense(rows, values, out);
  else addSparse(rows, values, out);
  out[rows.width] = values.reduce((sum, value) => sum + value, 0);
}

/** out = the diagonal of X' diag(values) X. */
export function multiplySquares(rows: DesignRows, values: Float64Array, out: Float64Array): void {
  out.fill(0);
  if ('values' in rows) addDenseSquares(rows, values, out);
  // ones are their own squares
  else addSparse(rows, values, out);
  out[rows.width] = values.reduce((sum, value) => sum + value, 0);
}

function multiplySparse({ offsets, columns, width }: SparseRows, point: Float64Array, out: Float64Array): void {
  for (let i = 0; i < out.length; i++) {
    let sum = point[width]!;
    for (let k = offsets[i]!; k < offsets[i + 1]!; k++) sum += point[columns[k]!]!;
    out[i] = sum;
  }
}

function addSparse({ offsets, columns }: SparseRows, values: Float64Array, out: Float64Array): void {
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    for (let k = offsets[i]!; k < offsets[i + 1]!; k++) out[columns[k]!]! += value;
  }
}

function multiplyDense({ values: x, width }: DenseRows, point: Float64Array, out: Float64Array): void {
  for (let i = 0; i < out.length; i++) {
    let sum = point[width]!;
    for (let j = 0; j < width; j++) sum += x[i * width + j]! * point[j]!;
    out[i] = sum;
  }
}

function addDense({ values: x, width }: DenseRows, values: Float64Array, out: Float64Array): void {
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    for (let j = 0; j < width; j++) out[j]! += value * x[i * width + j]!;
  }
}

function addDenseSquares({ values: x, width }: DenseRows, values: Float64Array, out: Float64Array): void {
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    for (let j = 0; j < width; j++) out[j]! += value * x[i * width + j]! ** 2;
  }
}
