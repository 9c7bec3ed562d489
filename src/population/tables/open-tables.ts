/** Opens Parquet or CSV tables of users as one DuckDB view with row numbers, and finds the file and line of a row. */
import { join } from 'node:path';
import { lineError } from '../../dataset/lines.ts';
import { AppError } from '../../lib/errors.ts';
import { type BadRows, WORST_ROWS } from '../import/bad-rows.ts';
import type { FileFormat } from '../import/source-files.ts';
import { quoteName, type TableShape } from '../kinds/column-plan.ts';
import { isReadable, linesOfRows } from './csv-lines.ts';
import { type Database, numberOf, quotePath, textOf } from './database.ts';
import { type CsvHead, type Reject, readHead, stageCsv } from './stage-csv.ts';

/** A file, and its range of rows. */
interface TableFile {
  /** Path given by the caller. */
  readonly path: string;
  /** Parquet file that is read. */
  readonly parquet: string;
  readonly firstRow: number;
  /** Header and rejected records of a CSV file; null for a Parquet file. */
  readonly csv: { readonly head: CsvHead; readonly rejects: readonly Reject[] } | null;
}

export interface Tables {
  readonly format: FileFormat;
  readonly shape: TableShape;
  readonly files: readonly TableFile[];
  readonly rows: number;
}

/** Selects the columns to read, and defines how they are read. */
export interface TableOptions {
  readonly format: 'csv' | 'parquet';
  readonly userId: string | null;
  readonly delimiter?: string;
  /** Chooses the needed columns from the table's columns. */
  readonly pick: (shape: TableShape) => readonly string[];
  readonly scratch: string;
  readonly badRows: BadRows;
  /** Reports the progress of a CSV file. */
  readonly onPercent?: (path: string, percent: number) => void;
}

/**
 * Creates the view `tables` with the picked columns and `row`, counted from 0 over all files. Invalid lines of a CSV
 * file go to `badRows`. Errors: AppError `invalid_data`.
 */
export async function openTables(paths: readonly string[], database: Database, options: TableOptions): Promise<Tables> {
  const { format } = options;
  const read = format === 'csv' ? await stageFiles(paths, database, options) : paths.map(asItIs);
  const parquets = `[${read.map(({ parquet }) => quotePath(parquet)).join(', ')}]`;
  let rows = 0;
  const files: TableFile[] = [];
  for (const file of read) {
    files.push({ ...file, firstRow: rows });
    const [count] = await database.rows(`SELECT num_rows FROM parquet_file_metadata(${quotePath(file.parquet)})`);
    rows += numberOf(count, 'num_rows');
  }
  const table = `read_parquet(${parquets}, file_row_number = true, binary_as_string = true)`;
  const described = await database.rows(`DESCRIBE SELECT * EXCLUDE (file_row_number) FROM ${table}`);
  const types = new Map(described.map((row) => [textOf(row, 'column_name'), textOf(row, 'column_type')]));
  const shape = { path: paths[0]!, types };
  const starts = `[${files.map(({ firstRow }) => firstRow).join(', ')}]`;
  const row = files.length === 1 ? 'file_row_number' : `${starts}[(file_index + 1)::BIGINT] + file_row_number`;
  const columns = options.pick(shape).map(quoteName);
  await database.run(`CREATE TEMP VIEW tables AS SELECT ${[`${row} AS "row"`, ...columns].join(', ')} FROM ${table}`);
  return { format, shape, files, rows };
}

/** Errors of rows, each naming file and line (for Parquet, file and row). */
export async function rowErrors(
  tables: Tables,
  faults: readonly { readonly row: number; readonly message: string }[],
): Promise<AppError[]> {
  const errors: AppError[] = [];
  for (const [i, file] of tables.files.entries()) {
    const end = tables.files[i + 1]?.firstRow ?? tables.rows;
    const own = faults.filter(({ row }) => row >= file.firstRow && row < end);
    if (own.length === 0) continue;
    const shown = new Set(own.slice(0, WORST_ROWS).map(({ row }) => row - file.firstRow));
    const lines = file.csv ? await linesOf(file.csv, shown) : new Map<number, number>();
    for (const { row, message } of own) {
      const line = lines.get(row - file.firstRow);
      errors.push(
        line === undefined ? rowError(file.path, row - file.firstRow, message) : lineError(file.path, line, message),
      );
    }
  }
  return errors;
}

function asItIs(path: string): Omit<TableFile, 'firstRow'> {
  return { path, parquet: path, csv: null };
}

/** Finds the lines of given rows of a CSV file. If this module cannot read the file, one record per line is assumed. */
async function linesOf(
  { head, rejects }: NonNullable<TableFile['csv']>,
  rows: ReadonlySet<number>,
): Promise<ReadonlyMap<number, number>> {
  if (isReadable(head.path) && rejects.every(({ isEncoding }) => !isEncoding)) return await linesOfRows(head, rows);
  const rejected = new Set(rejects.map(({ record }) => record));
  const lines = new Map<number, number>();
  for (let [record, row] = [2, 0]; lines.size < rows.size; record++) {
    if (rejected.has(record)) continue;
    if (rows.has(row)) lines.set(row, record);
    row += 1;
  }
  return lines;
}

async function stageFiles(
  paths: readonly string[],
  database: Database,
  options: TableOptions,
): Promise<Omit<TableFile, 'firstRow'>[]> {
  const { badRows, userId, delimiter, onPercent } = options;
  const heads: CsvHead[] = [];
  for (const path of paths) heads.push(await readHead(path, database, userId, delimiter));
  const first = heads[0]!;
  const types = new Map(first.columns.map((name) => [name, 'VARCHAR']));
  const columns = options.pick({ path: first.path, types });
  const staged: Omit<TableFile, 'firstRow'>[] = [];
  for (const [index, head] of heads.entries()) {
    const missing = columns.find((name) => !head.columns.includes(name));
    if (missing !== undefined)
      throw lineError(head.path, 1, `the header lacks the column "${missing}", which ${first.path} has`);
    const out = { folder: join(options.scratch, 'staged'), index };
    const maximum = badRows.maximum - badRows.count + WORST_ROWS;
    const percent = onPercent && ((value: number) => onPercent(head.path, value));
    const { staged: parquet, rejects } = await stageCsv(head, columns, out, maximum, database, percent);
    badRows.addAll(rejects.map(({ error }) => error));
    staged.push({ path: head.path, parquet, csv: { head, rejects } });
  }
  return staged;
}

function rowError(path: string, row: number, message: string): AppError {
  const pointer = `${path} row ${row + 1}`;
  return new AppError('invalid_data', `${pointer}: ${message}`, { details: [{ pointer, message }] });
}
