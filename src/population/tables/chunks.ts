/** Views of the columns in a DuckDB chunk, which are valid as long as the chunk. */
import type { DuckDBDataChunk } from '@duckdb/node-api';
import duckdb from '@duckdb/node-bindings';
import type { Utf8 } from '../kinds/tokens.ts';

export type Vector = ReturnType<typeof duckdb.data_chunk_get_vector>;

/**
 * Size of DuckDB's record of a text, in bytes. The record contains a text of up to 12 bytes, or points to a longer
 * text.
 */
const TEXT_BYTES = 16;
const INLINE_BYTES = 12;
const KNOWN_TEXTS = 256;

export function vectorOf(chunk: DuckDBDataChunk, index: number): Vector {
  return duckdb.data_chunk_get_vector(chunk.chunk, index);
}

/** A column of float64 without nulls. */
export function float64Column(chunk: DuckDBDataChunk, index: number): Float64Array {
  const data = duckdb.vector_get_data(vectorOf(chunk, index), 8 * chunk.rowCount);
  return new Float64Array(data.buffer, data.byteOffset, chunk.rowCount);
}

/** Numbers in DOUBLE. */
export class NumberVector {
  readonly #values: Float64Array;
  readonly #isValid: (row: number) => boolean;

  constructor(vector: Vector, rows: number) {
    this.#isValid = validityOf(vector, rows);
    const data = duckdb.vector_get_data(vector, 8 * rows);
    this.#values = rows === 0 ? new Float64Array(0) : new Float64Array(data.buffer, data.byteOffset, rows);
  }

  /** NaN for null. */
  value(row: number): number {
    return this.#isValid(row) ? this.#values[row]! : Number.NaN;
  }
}

/**
 * A column of texts, read without creating a string per text. After `seek`, this object is the UTF-8 of the text found.
 */
export class TextVector implements Utf8 {
  bytes: Uint8Array;
  start = 0;
  length = 0;
  readonly #data: Uint8Array;
  readonly #words: Uint32Array;
  readonly #isValid: (row: number) => boolean;
  /** The texts fetched last, indexed by a hash of the address. */
  readonly #known: { low: number; high: number; bytes: Uint8Array }[] = [];

  constructor(vector: Vector, rows: number) {
    this.#isValid = validityOf(vector, rows);
    this.#data = rows === 0 ? new Uint8Array(0) : duckdb.vector_get_data(vector, TEXT_BYTES * rows);
    this.#words = new Uint32Array(this.#data.buffer, this.#data.byteOffset, 4 * rows);
    this.bytes = this.#data;
  }

  /** Finds the text of a row; returns false for null. */
  seek(row: number): boolean {
    if (!this.#isValid(row)) return false;
    this.length = this.#words[4 * row]!;
    const isInline = this.length <= INLINE_BYTES;
    this.start = isInline ? TEXT_BYTES * row + 4 : 0;
    this.bytes = isInline ? this.#data : this.#fetch(row);
    return true;
  }

  /**
   * Fetches a text from outside the records. Texts from a file's dictionary often have the same address, so recently
   * fetched texts are cached.
   */
  #fetch(row: number): Uint8Array {
    const [low, high] = [this.#words[4 * row + 2]!, this.#words[4 * row + 3]!];
    const entry = this.#known[(low ^ (low >>> 6)) & (KNOWN_TEXTS - 1)];
    if (entry !== undefined && entry.low === low && entry.high === high && entry.bytes.length === this.length)
      return entry.bytes;
    const at = this.#data.byteOffset + TEXT_BYTES * row + (TEXT_BYTES - 8);
    const bytes = duckdb.get_data_from_pointer(this.#data.buffer as ArrayBuffer, at, this.length);
    this.#known[(low ^ (low >>> 6)) & (KNOWN_TEXTS - 1)] = { low, high, bytes };
    return bytes;
  }

  /** The text of a row; '' for null. */
  text(row: number): string {
    if (!this.seek(row)) return '';
    const { bytes, start, length } = this;
    return Buffer.from(bytes.buffer, bytes.byteOffset + start, length).toString();
  }
}

/** A column of lists: for each list, its start among the items and its length. A null list has length 0. */
export class ListVector {
  readonly starts: Uint32Array;
  readonly lengths: Uint32Array;
  readonly items: Vector;
  readonly size: number;
  readonly isValid: (row: number) => boolean;

  constructor(vector: Vector, rows: number) {
    this.isValid = validityOf(vector, rows);
    this.items = duckdb.list_vector_get_child(vector);
    this.size = duckdb.list_vector_get_size(vector);
    // pairs of uint64; the low half of each number suffices
    const data = duckdb.vector_get_data(vector, 16 * rows);
    const words = new Uint32Array(data.buffer, data.byteOffset, 4 * rows);
    [this.starts, this.lengths] = [new Uint32Array(rows), new Uint32Array(rows)];
    for (let row = 0; row < rows; row++) {
      if (!this.isValid(row)) continue;
      this.starts[row] = words[4 * row]!;
      this.lengths[row] = words[4 * row + 2]!;
    }
  }
}

/**
 * Returns a function that says whether a row is valid (not null). DuckDB stores one bit per row, or no bits if every
 * row is valid.
 */
function validityOf(vector: Vector, rows: number): (row: number) => boolean {
  const bits: Uint8Array | null = rows === 0 ? null : duckdb.vector_get_validity(vector, 8 * Math.ceil(rows / 64));
  return bits === null || bits === undefined ? () => true : (row) => (bits[row >> 3]! & (1 << (row & 7))) !== 0;
}
