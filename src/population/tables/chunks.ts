/** Views of the columns in a DuckDB chunk, which are valid as long as the chunk. */
import type { DuckDBDataChunk } from '@duckdb/node-api';
import duckdb from '@duckdb/node-bindings';
import type { Utf8 } from '../kinds/tokens.ts';

export type Vector = ReturnType<typeof duckdb.data_chunk_get_vector>;

/**
 * Size of DuckDB's record of a string, in bytes. The record contains a string of up to 12 bytes, or points to a longer
 * string.
 */
const TEXT_BYTES = 16;
const INLINE_BYTES = 12;
export const RECORD_WORDS = 4;

/**
 * Views of a chunk's memory. The garbage collector counts each view as memory to collect, so that without `release`,
 * reading many chunks takes a fifth longer.
 */
export class ChunkMemory {
  readonly rows: number;
  readonly #chunk: DuckDBDataChunk;
  readonly #buffers: ArrayBuffer[] = [];

  constructor(chunk: DuckDBDataChunk) {
    this.#chunk = chunk;
    this.rows = chunk.rowCount;
  }

  vector(index: number): Vector {
    return duckdb.data_chunk_get_vector(this.#chunk.chunk, index);
  }

  /** The first bytes of a vector's data. */
  data(vector: Vector, bytes: number): Uint8Array {
    return bytes === 0 ? new Uint8Array(0) : this.#track(duckdb.vector_get_data(vector, bytes));
  }

  /** One bit per row, 1 if the row is valid (not null); null if every row is valid. */
  validity(vector: Vector, rows: number): Uint8Array | null {
    const bits = rows === 0 ? null : duckdb.vector_get_validity(vector, 8 * Math.ceil(rows / 64));
    return bits === null || bits === undefined ? null : this.#track(bits);
  }

  /** The bytes that the pointer at `offset` in a view points to. */
  pointed(view: Uint8Array, offset: number, bytes: number): Uint8Array {
    const pointer = view.byteOffset + offset;
    return this.#track(duckdb.get_data_from_pointer(view.buffer as ArrayBuffer, pointer, bytes));
  }

  /** Empties all views, and frees most of the memory now; the garbage collector would free it some 100 chunks later. */
  release(): void {
    for (const buffer of this.#buffers.splice(0)) buffer.transfer(0);
    duckdb.data_chunk_reset(this.#chunk.chunk);
  }

  #track(view: Uint8Array): Uint8Array {
    this.#buffers.push(view.buffer as ArrayBuffer);
    return view;
  }
}

/** A column of float64 without nulls. */
export function float64Column(memory: ChunkMemory, index: number): Float64Array {
  const data = memory.data(memory.vector(index), 8 * memory.rows);
  return new Float64Array(data.buffer, data.byteOffset, memory.rows);
}

/** Numbers in DOUBLE. */
export class NumberVector {
  readonly #values: Float64Array;
  readonly #valid: Validity;

  constructor(memory: ChunkMemory, vector: Vector, rows: number) {
    this.#valid = new Validity(memory, vector, rows);
    const data = memory.data(vector, 8 * rows);
    this.#values = new Float64Array(data.buffer, data.byteOffset, rows);
  }

  /** NaN for null. */
  value(row: number): number {
    return this.#valid.has(row) ? this.#values[row]! : Number.NaN;
  }
}

/**
 * A column of strings, read without creating JavaScript strings. After `seek`, this object is the UTF-8 of the string
 * found.
 */
export class TextVector implements Utf8 {
  bytes: Uint8Array;
  start = 0;
  length = 0;
  /** Four words for each string: its length, and either its bytes, followed by zeros, or its prefix and its address. */
  readonly words: Uint32Array;
  readonly #valid: Validity;
  readonly #memory: ChunkMemory;
  readonly #data: Uint8Array;
  /** The runs, which are found when a string outside its record is first read. */
  #runs: readonly Run[] | null = null;
  #run: Run | null = null;

  constructor(memory: ChunkMemory, vector: Vector, rows: number) {
    this.#valid = new Validity(memory, vector, rows);
    this.#memory = memory;
    this.#data = memory.data(vector, TEXT_BYTES * rows);
    this.words = new Uint32Array(this.#data.buffer, this.#data.byteOffset, RECORD_WORDS * rows);
    this.bytes = this.#data;
  }

  get hasNulls(): boolean {
    return !this.#valid.isAll;
  }

  isValid(row: number): boolean {
    return this.#valid.has(row);
  }

  /** Whether the record of the string contains the whole string. */
  get isInline(): boolean {
    return this.length <= INLINE_BYTES;
  }

  /** Finds the string of a row; returns false for null. */
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

  /**
   * The run that contains a string outside its record. Strings are read in order, so this is usually the same run as
   * last time.
   */
  #findRun(row: number): Run {
    this.#runs ??= this.#findRuns();
    const address = this.#addressOf(row);
    if (this.#run === null || !isWithin(address, this.#run))
      this.#run = this.#runs.find((run) => isWithin(address, run))!;
    return this.#run;
  }

  /**
   * Finds the runs of strings outside their records. DuckDB copies these strings one after another into a few blocks.
   * Strings without a gap between them are read through one view, because a native call for each would take most of the
   * time. A view never covers memory between strings, because such memory might not exist.
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
      return { address, bytes: this.#memory.pointed(this.#data, TEXT_BYTES * row + (TEXT_BYTES - 8), length) };
    });
  }

  #addressOf(row: number): number {
    return this.words[RECORD_WORDS * row + 2]! + this.words[RECORD_WORDS * row + 3]! * 2 ** 32;
  }
}

/** Memory in which strings are stored one after another. */
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
  readonly #valid: Validity;
  /** Pairs of uint64 values, whose low halves suffice. */
  readonly #words: Uint32Array;

  constructor(memory: ChunkMemory, vector: Vector, rows: number) {
    this.#valid = new Validity(memory, vector, rows);
    this.items = duckdb.list_vector_get_child(vector);
    this.size = duckdb.list_vector_get_size(vector);
    const data = memory.data(vector, 16 * rows);
    this.#words = new Uint32Array(data.buffer, data.byteOffset, 4 * rows);
  }

  isValid(row: number): boolean {
    return this.#valid.has(row);
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

/** Which rows of a vector are valid (not null). */
class Validity {
  /** One bit per row; null if every row is valid. */
  readonly #bits: Uint8Array | null;

  constructor(memory: ChunkMemory, vector: Vector, rows: number) {
    this.#bits = memory.validity(vector, rows);
  }

  get isAll(): boolean {
    return this.#bits === null;
  }

  has(row: number): boolean {
    return this.#bits === null || (this.#bits[row >> 3]! & (1 << (row & 7))) !== 0;
  }
}
