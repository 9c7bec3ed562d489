/** Reads the columns of a DuckDB chunk into cells, row by row or all rows of a column at once. */
import type { ColumnPlan } from '../kinds/column-plan.ts';
import type { Cell } from '../kinds/kind-import.ts';
import { checkLength, pushCode } from '../kinds/multi.ts';
import { KIND_IMPORTS } from '../kinds/table.ts';
import { stringOf } from '../kinds/tokens.ts';
import { type ChunkMemory, ListVector, NumberVector, TextVector } from './chunks.ts';
import type { KnownCodes } from './known-codes.ts';

export interface ColumnReader {
  /** Reads the value of a row into the open row. Errors: AppError `invalid_data` naming the cell's place. */
  read(row: number, cell: Cell): void;
  /**
   * Reads rows `from` to `to`, and ends them in the cell's column. Errors: AppError, which may name a different place.
   */
  readRows(from: number, to: number, cell: Cell): void;
}

/** Reads the column at `index`. `known` caches the codes of this column. */
export function columnReader(
  { type }: ColumnPlan,
  memory: ChunkMemory,
  index: number,
  known: KnownCodes,
): ColumnReader {
  const vector = memory.vector(index);
  const { rows } = memory;
  switch (type) {
    case 'text':
      return new TextReader(new TextVector(memory, vector, rows), known);
    case 'texts':
      return new TextsReader(memory, new ListVector(memory, vector, rows), known);
    case 'number':
      return new NumberReader(new NumberVector(memory, vector, rows));
    case 'days':
      return new DaysReader(new NumberVector(memory, vector, rows));
    case 'numbers':
      return new NumbersReader(memory, new ListVector(memory, vector, rows));
  }
}

// Each class has its own loop over rows, so that the engine compiles one loop for each type of column.

class TextReader implements ColumnReader {
  readonly #texts: TextVector;
  readonly #known: KnownCodes;

  constructor(texts: TextVector, known: KnownCodes) {
    this.#texts = texts;
    this.#known = known;
  }

  read(row: number, cell: Cell): void {
    // this creates no string per value
    if (cell.feature.kind === 'single') cell.column.push(this.#known.codeOf(this.#texts, row, cell));
    else KIND_IMPORTS[cell.feature.kind].parseText(this.#texts.seek(row) ? stringOf(this.#texts) : '', cell);
  }

  readRows(from: number, to: number, cell: Cell): void {
    if (cell.feature.kind === 'single') {
      const codes = cell.column.next(to - from);
      this.#known.codesOf(this.#texts, from, to, cell, codes, 0);
      cell.column.endRows(to - from);
      return;
    }
    for (let row = from; row < to; row++) {
      this.read(row, cell);
      cell.column.endRow();
    }
  }
}

class TextsReader implements ColumnReader {
  readonly #lists: ListVector;
  readonly #texts: TextVector;
  readonly #known: KnownCodes;

  constructor(memory: ChunkMemory, lists: ListVector, known: KnownCodes) {
    this.#lists = lists;
    this.#texts = new TextVector(memory, lists.items, lists.size);
    this.#known = known;
  }

  read(row: number, cell: Cell): void {
    const start = this.#lists.startOf(row);
    const end = start + this.#lists.lengthOf(row);
    checkLength(end - start, cell);
    for (let i = start; i < end; i++) pushCode(this.#known.codeOf(this.#texts, i, cell), cell);
  }

  readRows(from: number, to: number, cell: Cell): void {
    const lists = this.#lists;
    let items = 0;
    for (let row = from; row < to; row++) {
      const length = lists.lengthOf(row);
      checkLength(length, cell);
      items += length;
    }
    const codes = cell.column.next(items);
    let used = 0;
    for (let row = from; row < to; row++) {
      const start = lists.startOf(row);
      const length = lists.lengthOf(row);
      this.#known.codesOf(this.#texts, start, start + length, cell, codes, used);
      const count = dropEmpty(codes, used, length);
      cell.column.endList(count);
      used += count;
    }
  }
}

/** Moves the codes of non-empty tokens to the front, and returns the number of these codes. */
function dropEmpty(codes: Int32Array | Float32Array, from: number, length: number): number {
  let used = from;
  for (let i = from; i < from + length; i++) {
    const code = codes[i]!;
    codes[used] = code;
    if (code > 0) used += 1;
  }
  return used - from;
}

class NumberReader implements ColumnReader {
  readonly #numbers: NumberVector;

  constructor(numbers: NumberVector) {
    this.#numbers = numbers;
  }

  read(row: number, cell: Cell): void {
    const value = this.#numbers.value(row);
    KIND_IMPORTS[cell.feature.kind].parse(Number.isNaN(value) ? null : value, cell);
  }

  readRows(from: number, to: number, cell: Cell): void {
    for (let row = from; row < to; row++) {
      this.read(row, cell);
      cell.column.endRow();
    }
  }
}

class DaysReader implements ColumnReader {
  readonly #days: NumberVector;

  constructor(days: NumberVector) {
    this.#days = days;
  }

  read(row: number, cell: Cell): void {
    cell.column.push(this.#days.value(row));
  }

  readRows(from: number, to: number, cell: Cell): void {
    for (let row = from; row < to; row++) {
      this.read(row, cell);
      cell.column.endRow();
    }
  }
}

class NumbersReader implements ColumnReader {
  readonly #lists: ListVector;
  readonly #numbers: NumberVector;

  constructor(memory: ChunkMemory, lists: ListVector) {
    this.#lists = lists;
    this.#numbers = new NumberVector(memory, lists.items, lists.size);
  }

  read(row: number, cell: Cell): void {
    const start = this.#lists.startOf(row);
    const length = this.#lists.lengthOf(row);
    const { size, kind } = cell.feature;
    if (kind === 'vector' && length === size && this.#areFloats(start, length)) {
      for (let i = start; i < start + length; i++) cell.column.push(this.#numbers.value(i));
      return;
    }
    const values = Array.from({ length }, (_, i) => this.#numbers.value(start + i));
    KIND_IMPORTS[kind].parse(this.#lists.isValid(row) ? values : null, cell);
  }

  readRows(from: number, to: number, cell: Cell): void {
    for (let row = from; row < to; row++) {
      this.read(row, cell);
      cell.column.endRow();
    }
  }

  #areFloats(start: number, length: number): boolean {
    for (let i = start; i < start + length; i++)
      if (!Number.isFinite(Math.fround(this.#numbers.value(i)))) return false;
    return true;
  }
}
