/** Converts CSV files to Parquet with every field as text, so that the text is parsed only once. */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { lineError, readWholeLines } from '../../dataset/lines.ts';
import { csvError } from '../../dataset/records.ts';
import { checkFrames } from '../../dataset/zstd.ts';
import { AppError, messageOf } from '../../lib/errors.ts';
import { findFirstRecord, parseCsvRecord } from '../../lib/text/csv-reader.ts';
import { isRemote } from '../import/source-files.ts';
import { quoteName, quoteText } from '../kinds/column-plan.ts';
import { type CsvShape, isReadable, MAXIMUM_RECORD_BYTES, rewriteCsv } from './csv-lines.ts';
import { type Database, numberOf, quotePath, type Row, textOf } from './database.ts';
import { isPlainCsv } from './plain-csv.ts';

/** Header of a CSV file, and options for reading the file. */
export interface CsvHead extends CsvShape {
  /** Whether the header is exactly the first line. */
  readonly isOnFirstLine: boolean;
}

/** An invalid record, and the reason. */
export interface Reject {
  /** The number of the record (the header is 1) in a file that only DuckDB reads; otherwise 0. */
  readonly record: number;
  readonly error: AppError;
  /** Whether the record is invalid because it is not UTF-8. */
  readonly isEncoding: boolean;
}

const NOT_UTF8 = 'the line is not UTF-8; if it is in Windows-1252, convert it: iconv -f WINDOWS-1252 -t UTF-8';

const DELIMITERS = [',', ';', '\t', '|'];

/** Number of bytes that a thread reads at a time; DuckDB's default is 16 times the maximum record length. */
const BUFFER_BYTES = 2 * MAXIMUM_RECORD_BYTES;

/**
 * Reads a file's header. The delimiter is chosen so that the header has the column `needed`. If several or no
 * delimiters qualify, the delimiter with the most columns is chosen. Errors: AppError `invalid_data`.
 */
export async function readHead(
  path: string,
  database: Database,
  needed: string | null,
  delimiter?: string,
): Promise<CsvHead> {
  if (path.endsWith('.zst') && !isRemote(path)) await checkFrames(path);
  const header = await readHeader(path, database);
  if (header === null) throw lineError(path, 1, 'the file is empty, or has no header');
  const { text, line } = header;
  if (text.replaceAll(/"[^"]*"/g, '').includes('\r'))
    throw lineError(path, 1, 'lines end in CR alone, which is not supported; convert them to LF (tr "\\r" "\\n")');
  const isOnFirstLine = line === 1 && !text.includes('\n');
  const heads = (delimiter === undefined ? DELIMITERS : [delimiter])
    .map((by): CsvHead => ({ path, delimiter: by, columns: splitHeader(header, path, by), isOnFirstLine }))
    .sort((a, b) => b.columns.length - a.columns.length);
  const head = heads.find(({ columns }) => needed !== null && columns.includes(needed)) ?? heads[0]!;
  const twice = head.columns.find((name, i) => head.columns.indexOf(name) !== i);
  if (twice !== undefined) throw lineError(path, 1, `the header has the column "${twice}" twice`);
  return head;
}

/**
 * Writes `columns` of a CSV file to a Parquet file. Invalid records are left out and returned, up to `maximum`. DuckDB
 * reads the file itself if its grammar agrees with ours, and otherwise reads the output of `rewriteCsv`.
 */
export async function stageCsv(
  head: CsvHead,
  columns: readonly string[],
  out: { readonly folder: string; readonly index: number },
  maximum: number,
  database: Database,
  onPercent?: (percent: number) => void,
): Promise<{ readonly staged: string; readonly rejects: readonly Reject[] }> {
  mkdirSync(out.folder, { recursive: true });
  const name = join(out.folder, String(out.index).padStart(6, '0'));
  const staged = `${name}.parquet`;
  if (await mayDiffer(head)) return { staged, rejects: await rewriteAndRead() };
  try {
    const rejects = await readCsv(head, columns, { staged, index: out.index }, maximum, database, onPercent);
    const isOurs = !isReadable(head.path) || rejects.every(({ isEncoding }) => isEncoding);
    return { staged, rejects: isOurs ? rejects : await rewriteAndRead() };
  } catch (error) {
    const line = lineOfEncoding(error);
    if (line !== null) throw lineError(head.path, line, NOT_UTF8);
    if (!(error instanceof AppError) || !isReadable(head.path)) throw withRemedy(head.path, error);
    // the file has mixed line endings, or a CR within a field
    return { staged, rejects: await rewriteAndRead() };
  }

  async function rewriteAndRead(): Promise<readonly Reject[]> {
    const rewritten = `${name}.csv`;
    const faults = await rewriteCsv(head, rewritten, maximum);
    const plain = { ...head, path: rewritten };
    await readCsv(plain, columns, { staged, index: out.index }, maximum, database, onPercent);
    rmSync(rewritten);
    return faults.map((error) => ({ record: 0, error, isEncoding: false }));
  }
}

/** Whether DuckDB may read a file differently from `CsvReader`. */
async function mayDiffer(head: CsvHead): Promise<boolean> {
  const { path, columns, isOnFirstLine } = head;
  if (!isReadable(path)) return false;
  // in a file with a single column, DuckDB reads an empty line as a row
  if (!isOnFirstLine || columns.length === 1) return true;
  try {
    return !(await isPlainCsv(head));
  } catch (error) {
    throw lineError(path, 1, `the file cannot be read: ${messageOf(error)}`, { cause: error });
  }
}

/** Lets DuckDB convert a CSV file to a Parquet file; returns the records that DuckDB left out. */
async function readCsv(
  head: CsvHead,
  columns: readonly string[],
  { staged, index }: { readonly staged: string; readonly index: number },
  maximum: number,
  database: Database,
  onPercent?: (percent: number) => void,
): Promise<Reject[]> {
  const types = head.columns.map((name) => `${quoteText(name)}: 'VARCHAR'`).join(', ');
  const table = `rejects_${index}`;
  const options = [
    'auto_detect = false, header = true, strict_mode = true, null_padding = false',
    `delim = ${quoteText(head.delimiter)}, quote = '"', escape = '"', nullstr = ''`,
    `columns = {${types}}, max_line_size = ${MAXIMUM_RECORD_BYTES}, buffer_size = ${BUFFER_BYTES}`,
    `store_rejects = true, rejects_table = '${table}', rejects_scan = 'scan_${index}', rejects_limit = ${maximum}`,
  ].join(', ');
  const select = `SELECT ${columns.map(quoteName).join(', ')} FROM read_csv(${quotePath(head.path)}, ${options})`;
  await database.run(`DROP TABLE IF EXISTS ${table}; DROP TABLE IF EXISTS scan_${index}`);
  await database.run(`COPY (${select}) TO ${quoteText(staged)} (FORMAT parquet, COMPRESSION lz4_raw)`, onPercent);
  const rows = await database.rows(
    `SELECT line, any_value(error_type) AS kind, any_value(error_message) AS message, any_value(csv_line) AS text
     FROM ${table} GROUP BY line ORDER BY line`,
  );
  return rows.map((row) => {
    const record = numberOf(row, 'line');
    const error = lineError(head.path, record, messageOfReject(row));
    return { record, error, isEncoding: textOf(row, 'kind') === 'INVALID ENCODING' };
  });
}

/** The line that DuckDB could not read because the line is not UTF-8; null for other errors. */
function lineOfEncoding(error: unknown): number | null {
  if (!(error instanceof AppError) || !/unicode|utf-?8/i.test(error.message)) return null;
  const line = /CSV Error on Line: (\d+)/.exec(error.message)?.[1];
  return line === undefined ? null : Number(line);
}

/** Replaces DuckDB's unhelpful message about mixed line endings. */
function withRemedy(path: string, error: unknown): unknown {
  if (!(error instanceof AppError) || !/state machine|new ?line/i.test(error.message)) return error;
  const message = `${path} can't be split into rows: do some lines end in LF and others in CRLF? sed -i 's/\\r$//' fixes it`;
  return new AppError('invalid_data', message, { cause: error });
}

function messageOfReject(row: Row): string {
  if (textOf(row, 'kind') === 'INVALID ENCODING') return NOT_UTF8;
  const text = JSON.stringify(textOf(row, 'text').trim().slice(0, 80));
  const message = textOf(row, 'message')
    .replace('Expected Number of Columns:', 'fields needed:')
    .replace('Found:', 'found:');
  const words = textOf(row, 'kind').toLowerCase().replace('columns', 'fields');
  return `the line is not a valid row (${words}: ${message}): ${text}`;
}

type Header = NonNullable<Awaited<ReturnType<typeof findFirstRecord>>>;

async function readHeader(path: string, database: Database): Promise<Header | null> {
  if (isReadable(path)) {
    try {
      return await findFirstRecord(readWholeLines(path));
    } catch (error) {
      // Lines that are not UTF-8 are reported with their number when rows are read.
      if (!(error instanceof AppError) || !error.message.includes('UTF-8')) throw error;
    }
  }
  const options =
    "auto_detect = false, header = false, strict_mode = false, delim = '\u0001', quote = '', escape = ''," +
    " columns = {'line': 'VARCHAR'}";
  try {
    const [row] = await database.rows(`SELECT line FROM read_csv(${quotePath(path)}, ${options}) LIMIT 1`);
    const text =
      row === undefined
        ? ''
        : textOf(row, 'line')
            .replace(/^\ufeff/, '')
            .replace(/\r$/, '');
    return text === '' ? null : { text, line: 1 };
  } catch (error) {
    const line = lineOfEncoding(error);
    throw line === null ? withRemedy(path, error) : lineError(path, line, NOT_UTF8);
  }
}

function splitHeader({ text, line }: Header, path: string, delimiter: string): readonly string[] {
  const fields = parseCsvRecord(text, delimiter);
  // if this is not the file's delimiter, a quote within a field is not an error
  if (typeof fields === 'string') {
    if (fields === 'not_closed') throw csvError(path, line, fields);
    return [text];
  }
  // pandas writes its index without a name
  return fields.map((field, i) => field || `column${i}`);
}
