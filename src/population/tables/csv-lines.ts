/**
 * CSV files by the grammar of `src/lib/text/csv-reader.ts`, where DuckDB takes another or does not say where a row is.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { lineError, readWholeLines } from '../../dataset/lines.ts';
import { csvError } from '../../dataset/records.ts';
import type { AppError } from '../../lib/errors.ts';
import { quoteCsv } from '../../lib/text/csv.ts';
import { CsvReader } from '../../lib/text/csv-reader.ts';
import { isRemote } from '../import/source-files.ts';

/** How the records of a file are read. */
export interface CsvShape {
  readonly path: string;
  readonly delimiter: string;
  readonly columns: readonly string[];
}

/** Whether a file can be read here: it is on this machine, and its name does not end in `.zst`. */
export function isReadable(path: string): boolean {
  return !path.endsWith('.zst') && !isRemote(path);
}

/** The line at which each wanted row begins, of those that were accepted (from 0). Errors: AppError `invalid_data`. */
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
 * Writes the rows of a file anew, in the form that no reader takes otherwise: LF, no empty lines, a quoted field where
 * one is needed; the header is the first row. Returns what is no row, each naming file:line, up to `maximum`. Errors:
 * AppError `invalid_data`, the environment's own of `out`.
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

/** Gives `take` the rows behind the header, and `refuse` what is none; yields after each piece of the file. */
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

/** Longest record, in bytes. */
export const MAXIMUM_RECORD_BYTES = 16 * 1024 * 1024;
