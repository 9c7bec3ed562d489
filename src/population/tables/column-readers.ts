/** Reads the columns of a DuckDB chunk into cells, row by row. */
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
}

class DaysReader implements ColumnReader {
  readonly #days: NumberVector;

  constructor(days: NumberVector) {
    this.#days = days;
  }

  read(row: number, cell: Cell): void {
    cell.column.push(this.#days.value(row));
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

  #areFloats(start: number, length: number): boolean {
    for (let i = start; i < start + length; i++)
      if (!Number.isFinite(Math.fround(this.#numbers.value(i)))) return false;
    return true;
  }
}
