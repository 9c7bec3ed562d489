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
export const RECORD_WORDS = 4;

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
  /** Four words for each text: its length, and either its bytes, followed by zeros, or its prefix and its address. */
  readonly words: Uint32Array;
  readonly isValid: (row: number) => boolean;
  readonly #data: Uint8Array;
  /** Found at the first text outside its record. */
  #runs: readonly Run[] | null = null;
  #run: Run | null = null;

  constructor(vector: Vector, rows: number) {
    this.isValid = validityOf(vector, rows);
    this.#data = rows === 0 ? new Uint8Array(0) : duckdb.vector_get_data(vector, TEXT_BYTES * rows);
    this.words = new Uint32Array(this.#data.buffer, this.#data.byteOffset, RECORD_WORDS * rows);
    this.bytes = this.#data;
  }

  /** Whether the record of the text contains the whole text. */
  get isInline(): boolean {
    return this.length <= INLINE_BYTES;
  }

  /** Finds the text of a row; returns false for null. */
  seek(row: number): boolean {
    if (!this.isValid(row)) return false;
    this.length = this.words[RECORD_WORDS * row]!;
    if (this.isInline) {
      this.bytes = this.#data;
      this.start = TEXT_BYTES * row + 4;
    } else {
      const { address, bytes } = this.#findRun(row);
      this.bytes = bytes;
      this.start = this.#addressOf(row) - address;
    }
    return true;
  }

  /** The run that contains a text outside its record. Texts are read in their order, so it is mostly the last one. */
  #findRun(row: number): Run {
    this.#runs ??= this.#findRuns();
    const address = this.#addressOf(row);
    if (this.#run === null || !isWithin(address, this.#run))
      this.#run = this.#runs.find((run) => isWithin(address, run))!;
    return this.#run;
  }

  /**
   * Finds the runs of texts outside their records. DuckDB copies these texts one after the other into a few blocks.
   * Texts without a gap between them are read through one view, because a native call for each would take most of the
   * time. A view never covers memory between texts, which might not exist.
   */
  #findRuns(): readonly Run[] {
    const found: { readonly row: number; readonly address: number; length: number }[] = [];
    for (let row = 0; row < this.words.length / RECORD_WORDS; row++) {
      const length = this.words[RECORD_WORDS * row]!;
      if (length <= INLINE_BYTES || !this.isValid(row)) continue;
      const address = this.#addressOf(row);
      const last = found.at(-1);
      if (last !== undefined && last.address + last.length === address) last.length += length;
      else found.push({ row, address, length });
    }
    return found.map(({ row, address, length }) => {
      const pointer = this.#data.byteOffset + TEXT_BYTES * row + (TEXT_BYTES - 8);
      return { address, bytes: duckdb.get_data_from_pointer(this.#data.buffer as ArrayBuffer, pointer, length) };
    });
  }

  #addressOf(row: number): number {
    return this.words[RECORD_WORDS * row + 2]! + this.words[RECORD_WORDS * row + 3]! * 2 ** 32;
  }
}

/** Memory with texts that lie one after the other. */
interface Run {
  readonly address: number;
  readonly bytes: Uint8Array;
}

function isWithin(address: number, run: Run): boolean {
  return address >= run.address && address < run.address + run.bytes.length;
}

/** A column of lists: for each list, its start among the items and its length. A null list has length 0. */
export class ListVector {
  readonly items: Vector;
  readonly size: number;
  readonly isValid: (row: number) => boolean;
  /** Pairs of uint64, of which the low halves suffice. */
  readonly #words: Uint32Array;

  constructor(vector: Vector, rows: number) {
    this.isValid = validityOf(vector, rows);
    this.items = duckdb.list_vector_get_child(vector);
    this.size = duckdb.list_vector_get_size(vector);
    const data = duckdb.vector_get_data(vector, 16 * rows);
    this.#words = new Uint32Array(data.buffer, data.byteOffset, 4 * rows);
  }

  /** The index of a list's first item. */
  startOf(row: number): number {
    return this.#words[4 * row]!;
  }

  /** The number of items of a list; 0 for null. */
  lengthOf(row: number): number {
    return this.isValid(row) ? this.#words[4 * row + 2]! : 0;
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
