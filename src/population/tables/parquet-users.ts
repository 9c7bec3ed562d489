/**
 * Reads users from Parquet files. DuckDB reads the files and converts types; the kind of each feature determines how
 * values are read.
 */
import { assert } from '../../lib/errors.ts';
import type { CsvPath } from '../import/csv-users.ts';
import { planUserId } from '../import/read-user.ts';
import type { SourceSchema } from '../import/source-schema.ts';
import type { OpenOptions, UserBatch, UserFile } from '../import/user-file.ts';
import type { ColumnPlan } from '../kinds/column-plan.ts';
import type { Cell } from '../kinds/kind-import.ts';
import { checkLength, pushCode } from '../kinds/multi.ts';
import { KIND_IMPORTS } from '../kinds/table.ts';
import { stringOf, type Utf8 } from '../kinds/tokens.ts';
import { ChunkMemory, float64Column, ListVector, NumberVector, TextVector } from './chunks.ts';
import { type Database, numberOf, quotePath, textOf, withDatabase } from './database.ts';
import { KnownCodes } from './known-codes.ts';
import { localCopies } from './remote.ts';

/** Expands patterns, and opens the Parquet files for `action`. Errors: AppError `invalid_data`. */
export async function withParquetUsers<T>(
  sources: readonly string[],
  options: OpenOptions,
  action: (files: readonly UserFile[]) => Promise<T>,
): Promise<T> {
  return await withDatabase(options, async (database) => {
    const files: UserFile[] = [];
    for (const { path } of await localCopies(sources, options.scratch, database))
      files.push(await openFile(path, options.schema, database));
    return await action(files);
  });
}

/** Expands patterns for CSV or NDJSON files, copies remote files to `scratch`, and calls `action`. Errors: AppError. */
export async function withTextFiles<T>(
  sources: readonly string[],
  options: Pick<OpenOptions, 'scratch' | 'memoryMib'>,
  action: (paths: readonly CsvPath[]) => Promise<T>,
): Promise<T> {
  return await withDatabase(options, async (database) => {
    return await action(await localCopies(sources, options.scratch, database));
  });
}

async function openFile(path: string, schema: SourceSchema, database: Database): Promise<UserFile> {
  const table = `read_parquet(${quotePath(path)}, file_row_number = true, binary_as_string = true)`;
  const described = await database.rows(`DESCRIBE SELECT * EXCLUDE (file_row_number) FROM ${table}`);
  const types = new Map(described.map((row) => [textOf(row, 'column_name'), textOf(row, 'column_type')]));
  const [count] = await database.rows(`SELECT num_rows FROM parquet_file_metadata(${quotePath(path)})`);
  const rows = numberOf(count, 'num_rows');
  const id = planUserId(schema, { path, types });
  const plans = schema.features.map((feature) => KIND_IMPORTS[feature.kind].plan(feature, { path, types }));
  const columns = [id, ...plans].map(({ sql }) => sql);
  const known = plans.map(() => new KnownCodes());

  async function* batches(): AsyncGenerator<UserBatch, void, void> {
    let first = 0;
    for await (const chunk of database.stream(`SELECT file_row_number::DOUBLE, ${columns.join(', ')} FROM ${table}`)) {
      const memory = new ChunkMemory(chunk);
      yield new ParquetBatch(memory, first, plans, known);
      memory.release();
      first += memory.rows;
    }
    assert(first === rows, 'every row of the file was read');
  }
  return { path, hasLines: false, idName: 'the user id', rows, batches };
}

class ParquetBatch implements UserBatch {
  readonly count: number;
  readonly #first: number;
  readonly #ids: TextVector;
  readonly #readers: readonly ColumnReader[];

  constructor(memory: ChunkMemory, first: number, plans: readonly ColumnPlan[], known: readonly KnownCodes[]) {
    this.count = memory.rows;
    this.#first = first;
    const numbers = float64Column(memory, 0);
    assert(numbers[0] === first && numbers.at(-1) === first + memory.rows - 1, 'rows come in the order of the file');
    this.#ids = new TextVector(memory, memory.vector(1), memory.rows);
    this.#readers = plans.map((plan, i) => columnReader(plan, memory, i + 2, known[i]!));
  }

  lineOf(row: number): number {
    return this.#first + row + 1;
  }

  userId(row: number): string | Utf8 {
    return this.#ids.seek(row) ? this.#ids : '';
  }

  readValues(row: number, cells: readonly Cell[]): void {
    for (let i = 0; i < cells.length; i++) this.#readers[i]!.read(row, cells[i]!);
  }
}

interface ColumnReader {
  /** Reads the value of a row into the open row. Errors: AppError `invalid_data` naming the cell's place. */
  read(row: number, cell: Cell): void;
}

/** Reads the column at `index`. `known` caches the codes of this column. */
function columnReader({ type }: ColumnPlan, memory: ChunkMemory, index: number, known: KnownCodes): ColumnReader {
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
