/** CSV files into Parquet, every field as text: so that all that follows reads columns, and reads text once. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { lineError, readLines } from '../../dataset/lines.ts';
import { AppError } from '../../lib/errors.ts';
import { isRemote } from '../source-files.ts';
import { type Database, numberOf, quoteName, quotePath, quoteText, type Row, textOf } from './database.ts';

/** What a CSV file has at its head. */
export interface CsvHead {
  readonly path: string;
  readonly delimiter: string;
  readonly columns: readonly string[];
}

/** A line that is no record. */
export interface Reject {
  /** Counted in records. */
  readonly record: number;
  readonly message: string;
}

const NOT_UTF8 = 'the line is not UTF-8; iconv -f WINDOWS-1252 -t UTF-8 makes it so, if that is what it is in';

const DELIMITERS = [',', ';', '\t', '|'];

/** Longest record, in bytes. */
const MAXIMUM_RECORD_BYTES = 16 * 1024 * 1024;

/** How much of a file a thread reads at a time: DuckDB would take 16 of the longest record. */
const BUFFER_BYTES = 2 * MAXIMUM_RECORD_BYTES;

/**
 * Reads a file's header. The delimiter is the one that makes the header have `needed` as a column; where several do, or
 * none, that with the most columns. Errors: AppError `invalid_data`.
 */
export async function readHead(
  path: string,
  database: Database,
  needed: string | null,
  delimiter?: string,
): Promise<CsvHead> {
  const header = await readFirstLine(path, database);
  if (header === '') throw lineError(path, 1, 'the file is empty, or has no header');
  if (header.includes('\r'))
    throw lineError(path, 1, 'lines end in CR alone, which is not read: write them with LF (tr "\\r" "\\n")');
  const heads = (delimiter === undefined ? DELIMITERS : [delimiter])
    .map((by) => ({ path, delimiter: by, columns: splitHeader(header, by) }))
    .sort((a, b) => b.columns.length - a.columns.length);
  const head = heads.find(({ columns }) => needed !== null && columns.includes(needed)) ?? heads[0]!;
  const twice = head.columns.find((name, i) => head.columns.indexOf(name) !== i);
  if (twice !== undefined) throw lineError(path, 1, `the header has the column "${twice}" twice`);
  return head;
}

/** Writes `columns` of a CSV file to a Parquet file; what is no record is left out and given back, up to `maximum`. */
export async function stageCsv(
  head: CsvHead,
  columns: readonly string[],
  out: { readonly folder: string; readonly index: number },
  maximum: number,
  database: Database,
  onPercent?: (percent: number) => void,
): Promise<{ readonly staged: string; readonly rejects: Reject[] }> {
  mkdirSync(out.folder, { recursive: true });
  const staged = join(out.folder, `${String(out.index).padStart(6, '0')}.parquet`);
  const table = `rejects_${out.index}`;
  const types = head.columns.map((name) => `${quoteText(name)}: 'VARCHAR'`).join(', ');
  const options = [
    'auto_detect = false, header = true, strict_mode = true, null_padding = false',
    `delim = ${quoteText(head.delimiter)}, quote = '"', escape = '"', nullstr = ''`,
    `columns = {${types}}, max_line_size = ${MAXIMUM_RECORD_BYTES}, buffer_size = ${BUFFER_BYTES}`,
    `store_rejects = true, rejects_table = '${table}', rejects_scan = 'scan_${out.index}', rejects_limit = ${maximum}`,
  ].join(', ');
  const select = `SELECT ${columns.map(quoteName).join(', ')} FROM read_csv(${quotePath(head.path)}, ${options})`;
  try {
    await database.run(`COPY (${select}) TO ${quoteText(staged)} (FORMAT parquet, COMPRESSION lz4_raw)`, onPercent);
  } catch (error) {
    throw withRemedy(head.path, error);
  }
  const rows = await database.rows(
    `SELECT line, any_value(error_type) AS kind, any_value(error_message) AS message, any_value(csv_line) AS text
     FROM ${table} GROUP BY line ORDER BY line`,
  );
  await database.run(`DROP TABLE ${table}; DROP TABLE scan_${out.index}`);
  return { staged, rejects: rows.map((row) => ({ record: numberOf(row, 'line'), message: messageOf(row) })) };
}

/** What DuckDB says of another encoding, or of both ends of lines, does not help. */
function withRemedy(path: string, error: unknown): unknown {
  if (!(error instanceof AppError)) return error;
  const line = /CSV Error on Line: (\d+)/.exec(error.message)?.[1];
  if (line !== undefined && /unicode|utf-?8/i.test(error.message)) return lineError(path, Number(line), NOT_UTF8);
  if (!/state machine|new ?line/i.test(error.message)) return error;
  const message = `${path} can't be split into rows: do some lines end in LF and others in CRLF? sed -i 's/\\r$//' mends it`;
  return new AppError('invalid_data', message, { cause: error });
}

function messageOf(row: Row): string {
  if (textOf(row, 'kind') === 'INVALID ENCODING') return NOT_UTF8;
  const text = JSON.stringify(textOf(row, 'text').trim().slice(0, 80));
  const message = textOf(row, 'message')
    .replace('Expected Number of Columns:', 'fields needed:')
    .replace('Found:', 'found:');
  const words = textOf(row, 'kind').toLowerCase().replace('columns', 'fields');
  return `the line is no row (${words}: ${message}): ${text}`;
}

async function readFirstLine(path: string, database: Database): Promise<string> {
  if (!isRemote(path) && !path.endsWith('.zst')) {
    try {
      for await (const { lines } of readLines(path)) return lines[0] ?? '';
      return '';
    } catch (error) {
      // What is not UTF-8 is told of with its line when rows are read.
      if (!(error instanceof AppError)) throw error;
    }
  }
  const options =
    "auto_detect = false, header = false, strict_mode = false, delim = '\u0001', quote = '', escape = ''," +
    " columns = {'line': 'VARCHAR'}";
  try {
    const [row] = await database.rows(`SELECT line FROM read_csv(${quotePath(path)}, ${options}) LIMIT 1`);
    return row === undefined
      ? ''
      : textOf(row, 'line')
          .replace(/^\ufeff/, '')
          .replace(/\r$/, '');
  } catch (error) {
    throw withRemedy(path, error);
  }
}

function splitHeader(header: string, delimiter: string): string[] {
  const fields: string[] = [];
  const pattern = /^"((?:[^"]|"")*)"$/;
  let field = '';
  let isQuoted = false;
  for (const character of `${header}${delimiter}`) {
    if (character === '"') isQuoted = !isQuoted;
    if (character === delimiter && !isQuoted) {
      // pandas writes its index without a name
      fields.push(field.replace(pattern, '$1').replaceAll('""', '"') || `column${fields.length}`);
      field = '';
    } else field += character;
  }
  if (isQuoted)
    throw new AppError('invalid_data', `the header has a quote that is not closed: ${header.slice(0, 200)}`);
  return fields;
}
