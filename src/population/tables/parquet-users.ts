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
import { KIND_IMPORTS } from '../kinds/table.ts';
import type { Utf8 } from '../kinds/tokens.ts';
import { ChunkMemory, float64Column, TextVector } from './chunks.ts';
import { type ColumnReader, columnReader } from './column-readers.ts';
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
