/** The columns of a DuckDB chunk as typed arrays, which are views of its memory and valid as long as the chunk. */
import { type DuckDBDataChunk, DuckDBVarCharVector } from '@duckdb/node-api';
import duckdb from '@duckdb/node-bindings';
import { assert } from '../../lib/errors.ts';

/** A column of int32 without nulls. */
export function int32Column(chunk: DuckDBDataChunk, index: number): Int32Array {
  const data = duckdb.vector_get_data(vectorOf(chunk, index), 4 * chunk.rowCount);
  return new Int32Array(data.buffer, data.byteOffset, chunk.rowCount);
}

/** A column of float64 without nulls. */
export function float64Column(chunk: DuckDBDataChunk, index: number): Float64Array {
  const data = duckdb.vector_get_data(vectorOf(chunk, index), 8 * chunk.rowCount);
  return new Float64Array(data.buffer, data.byteOffset, chunk.rowCount);
}

/** A column of float32; null becomes NaN. */
export function float32Column(chunk: DuckDBDataChunk, index: number): Float32Array {
  const vector = vectorOf(chunk, index);
  const data = duckdb.vector_get_data(vector, 4 * chunk.rowCount);
  const values = new Float32Array(data.buffer, data.byteOffset, chunk.rowCount).slice();
  const isValid = validityOf(vector, chunk.rowCount);
  for (let row = 0; row < values.length; row++) if (!isValid(row)) values[row] = Number.NaN;
  return values;
}

/** A column of lists of int32 without null elements; a null list becomes empty. */
export function int32Lists(chunk: DuckDBDataChunk, index: number): { offsets: Int32Array; codes: Int32Array } {
  const vector = vectorOf(chunk, index);
  const rows = chunk.rowCount;
  const { starts, lengths } = entriesOf(vector, rows);
  const child = duckdb.list_vector_get_child(vector);
  const size = duckdb.list_vector_get_size(vector);
  const data = duckdb.vector_get_data(child, 4 * size);
  const items = size === 0 ? new Int32Array(0) : new Int32Array(data.buffer, data.byteOffset, size);
  const offsets = new Int32Array(rows + 1);
  for (let row = 0; row < rows; row++) offsets[row + 1] = offsets[row]! + lengths[row]!;
  const codes = new Int32Array(offsets[rows]!);
  for (let row = 0; row < rows; row++) {
    const [start, at] = [starts[row]!, offsets[row]!];
    for (let i = 0; i < lengths[row]!; i++) codes[at + i] = items[start + i]!;
  }
  return { offsets, codes };
}

/** A column of lists of `size` float32 without null elements; a null list becomes NaN. */
export function float32Lists(chunk: DuckDBDataChunk, index: number, size: number): Float32Array {
  const vector = vectorOf(chunk, index);
  const { starts, lengths } = entriesOf(vector, chunk.rowCount);
  const child = duckdb.list_vector_get_child(vector);
  const count = duckdb.list_vector_get_size(vector);
  const data = duckdb.vector_get_data(child, 4 * count);
  const items = count === 0 ? new Float32Array(0) : new Float32Array(data.buffer, data.byteOffset, count);
  const values = new Float32Array(chunk.rowCount * size).fill(Number.NaN);
  for (let row = 0; row < chunk.rowCount; row++) {
    if (lengths[row] === size) values.set(items.subarray(starts[row]!, starts[row]! + size), row * size);
  }
  return values;
}

/** A column of text; `getItem` returns null for null. */
export function textColumn(chunk: DuckDBDataChunk, index: number): DuckDBVarCharVector {
  const vector = chunk.getColumnVector(index);
  assert(vector instanceof DuckDBVarCharVector, 'the column is text');
  return vector;
}

type Vector = ReturnType<typeof duckdb.data_chunk_get_vector>;

function vectorOf(chunk: DuckDBDataChunk, index: number): Vector {
  return duckdb.data_chunk_get_vector(chunk.chunk, index);
}

/**
 * The start of each list among the items, and its length. DuckDB has pairs of uint64, of which the low halves suffice.
 */
function entriesOf(vector: Vector, rows: number): { starts: Uint32Array; lengths: Uint32Array } {
  const data = duckdb.vector_get_data(vector, 16 * rows);
  const words = new Uint32Array(data.buffer, data.byteOffset, 4 * rows);
  const isValid = validityOf(vector, rows);
  const [starts, lengths] = [new Uint32Array(rows), new Uint32Array(rows)];
  for (let row = 0; row < rows; row++) {
    if (!isValid(row)) continue;
    starts[row] = words[4 * row]!;
    lengths[row] = words[4 * row + 2]!;
  }
  return { starts, lengths };
}

/** Whether a row is valid. DuckDB has one bit per row, or no bits if every row is valid. */
function validityOf(vector: Vector, rows: number): (row: number) => boolean {
  const bits: Uint8Array | null = duckdb.vector_get_validity(vector, 8 * Math.ceil(rows / 64));
  return bits === null || bits === undefined ? () => true : (row) => (bits[row >> 3]! & (1 << (row & 7))) !== 0;
}
