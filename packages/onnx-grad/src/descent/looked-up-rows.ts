/** Sparse rows: the table elements that each row of a batch looks up, with their weights. */

import { OnnxGradError } from '../errors.ts';
import { elementCount, type Tensor } from '../graph/tensor.ts';

/**
 * Sparse rows. Row i has the value `values[k]` in column `columns[k]` for starts[i] <= k < starts[i + 1]. No row
 * repeats a column.
 */
export interface LookedUpRows {
  /** The index of the first value of each row, `[rows + 1]`. */
  readonly starts: Int32Array;
  readonly columns: Int32Array;
  readonly values: Float32Array;
}

/**
 * The parameter elements that one look-up adds to consecutive rows, and their weights. Row `from + i` gets `counts[i]`
 * elements.
 */
export interface Part {
  readonly parameter: string;
  readonly from: number;
  readonly counts: Int32Array;
  readonly elements: Int32Array;
  readonly values: Float32Array;
}

/**
 * Returns the elements that one look-up adds to rows `from` to `to - 1`. `index` is `[to - from, ..]`; `weight` has one
 * more axis, the table's width. Elements with weight 0 (padding) are omitted. An index outside the table causes an
 * `index_out_of_range` error.
 */
export function readPart(
  parameter: string,
  table: Pick<Tensor, 'shape'>,
  index: Tensor,
  weight: Tensor,
  from: number,
  to: number,
): Part {
  const rows = to - from;
  const size = table.shape[0]!;
  const width = elementCount(table.shape.slice(1));
  const perRow = index.data.length / rows;
  const weights = weight.data as Float32Array;
  const elements = new Int32Array(weights.length);
  const values = new Float32Array(weights.length);
  const counts = new Int32Array(rows);
  let at = 0;
  for (let i = 0; i < rows; i++) {
    const begin = at;
    for (let j = i * perRow; j < (i + 1) * perRow; j++) {
      let row = Number(index.data[j]);
      if (row < 0) row += size;
      if (!(row >= 0 && row < size))
        throw new OnnxGradError('index_out_of_range', `index ${row} is outside table "${parameter}" of ${size} rows`);
      for (let w = 0; w < width; w++) {
        const value = weights[j * width + w]!;
        if (value === 0) continue;
        elements[at] = row * width + w;
        values[at++] = value;
      }
    }
    counts[i] = at - begin;
  }
  return { parameter, from, counts, elements: elements.subarray(0, at), values: values.subarray(0, at) };
}

/** Combines the parts into sparse rows. `columnOf` returns the column of an element, from 0 to width - 1. */
export function assembleRows(
  parts: readonly Part[],
  rows: number,
  width: number,
  columnOf: (parameter: string, element: number) => number,
): LookedUpRows {
  const starts = new Int32Array(rows + 1);
  for (const { from, counts } of parts) for (let i = 0; i < counts.length; i++) starts[from + i + 1]! += counts[i]!;
  for (let row = 0; row < rows; row++) starts[row + 1]! += starts[row]!;
  const columns = new Int32Array(starts[rows]!);
  const values = new Float32Array(columns.length);
  const next = starts.slice();
  for (const { parameter, from, counts, elements, values: weights } of parts) {
    let k = 0;
    for (let i = 0; i < counts.length; i++) {
      for (const end = k + counts[i]!; k < end; k++) {
        const at = next[from + i]!++;
        columns[at] = columnOf(parameter, elements[k]!);
        values[at] = weights[k]!;
      }
    }
  }
  const count = addUpRepeated(starts, columns, values, width);
  return { starts, columns: columns.slice(0, count), values: values.slice(0, count) };
}

/**
 * Merges entries of a row that have the same column into their sum, in place, because squares must be computed from the
 * sum rather than from each entry. Returns the number of remaining entries.
 */
function addUpRepeated(starts: Int32Array, columns: Int32Array, values: Float32Array, width: number): number {
  const entryOf = new Int32Array(width).fill(-1);
  let to = 0;
  let from = 0;
  for (let row = 1; row < starts.length; row++) {
    const begin = to;
    for (const end = starts[row]!; from < end; from++) {
      const column = columns[from]!;
      const entry = entryOf[column]!;
      if (entry >= begin) {
        values[entry]! += values[from]!;
        continue;
      }
      entryOf[column] = to;
      columns[to] = column;
      values[to++] = values[from]!;
    }
    starts[row] = to;
  }
  return to;
}
