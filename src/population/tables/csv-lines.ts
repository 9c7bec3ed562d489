/**
 * Reads CSV files by the grammar of `src/lib/text/csv-reader.ts`, if DuckDB deviates from it or does not report lines.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { lineError, readWholeLines } from '../../dataset/lines.ts';
import { csvError } from '../../dataset/records.ts';
import type { AppError } from '../../lib/errors.ts';
import { quoteCsv } from '../../lib/text/csv.ts';
import { CsvReader } from '../../lib/text/csv-reader.ts';
import { isRemote } from '../import/source-files.ts';

/** Options for reading the records of a file. */
export interface CsvShape {
  readonly path: string;
  readonly delimiter: string;
  readonly columns: readonly string[];
}

/** Whether this module can read a file: the file must be on this machine, and its name must not end in `.zst`. */
export function isReadable(path: string): boolean {
  return !path.endsWith('.zst') && !isRemote(path);
}

/**
 * Finds the first line of each wanted row. Only accepted rows are numbered, from 0. Errors: AppError `invalid_data`.
 */
export async function linesOfRows(shape: CsvShape, wanted: ReadonlySet<number>): Promise<ReadonlyMap<number, number>> {
  const lines = new Map<number, number>();
  let row = 0;
  const take = (_: readonly string[], line: number) => {
    if (wanted.has(row)) lines.set(row, line);
    row += 1;
  };
  for await (const _ of readRows(shape, take, () => {})) if (lines.size === wanted.size) break;
  return lines;
}

/**
 * Rewrites a file in a form that all readers read equally: with LF, a header and minimal quotes, and without empty
 * lines. Returns up to `maximum` errors of invalid rows, naming file:line. Errors: AppError `invalid_data`, and file
 * system errors of `out`.
 */
export async function rewriteCsv(shape: CsvShape, out: string, maximum: number): Promise<AppError[]> {
  const faults: AppError[] = [];
  const write = (fields: readonly string[]) => `${fields.map(quoteField).join(shape.delimiter)}\n`;
  const quoteField = (field: string) => (field.includes(shape.delimiter) ? quoted(field) : quoteCsv(field));
  const file: FileHandle = await open(out, 'w');
  let pieces = [write(shape.columns)];
  try {
    const take = (fields: readonly string[]) => pieces.push(write(fields));
    const refuse = (error: AppError) => faults.push(error);
    for await (const _ of readRows(shape, take, refuse)) {
      await file.write(pieces.join(''));
      pieces = [];
      if (faults.length >= maximum) break;
    }
    await file.write(pieces.join(''));
  } finally {
    await file.close();
  }
  return faults.slice(0, maximum);
}

function quoted(field: string): string {
  return `"${field.replaceAll('"', '""')}"`;
}

/** Passes the rows after the header to `take`, and invalid rows to `refuse`; yields after each piece of the file. */
async function* readRows(
  { path, delimiter, columns }: CsvShape,
  take: (fields: readonly string[], line: number) => void,
  refuse: (error: AppError) => void,
): AsyncGenerator<void, void, void> {
  let isHeader = true;
  const reader = new CsvReader({
    delimiter,
    maximumRecordBytes: MAXIMUM_RECORD_BYTES,
    take: (fields, line) => {
      if (isHeader) isHeader = false;
      else if (fields.length === columns.length) take(fields, line);
      else refuse(lineError(path, line, `the row has ${fields.length} fields, but ${columns.length} are expected`));
    },
    refuse: (fault, line) => refuse(csvError(path, line, fault)),
  });
  for await (const batch of readWholeLines(path)) {
    reader.read(batch);
    yield;
  }
  reader.end();
  yield;
}

/** Maximum length of a record, in bytes. */
export const MAXIMUM_RECORD_BYTES = 16 * 1024 * 1024;
