/**
 * Reads the rows of a text file with a separator between fields (comma, tab, semicolon, `::`). The file may be
 * compressed.
 */

import { AppError } from '../lib/errors.ts';
import { findFirstRecord, parseCsvRecord } from '../lib/text/csv-reader.ts';
import { type LineBatch, withoutReturn } from '../lib/text/lines.ts';
import { type Encoding, LINE_LIMITS, lineError, readWholeLines } from './lines.ts';
import { csvError, csvReaderOf } from './records.ts';
import type { Row, RowSource } from './row-source.ts';

export interface DelimitedOptions {
  /** The separator between two fields. By default, the separator is detected from the first line. */
  readonly delimiter?: string;
  /** The names of the columns of a file that has no header. */
  readonly columns?: readonly string[];
  readonly encoding?: Encoding;
}

/** Separators to look for in the first line. If `::` (the separator of MovieLens 1M) occurs, it is always chosen. */
const DELIMITERS = [',', ';', '\t', '|'] as const;
const DOUBLE_COLON = '::';

/**
 * Opens the file and reads its header. The file is read as CSV (`CsvReader`), but if the separator has several
 * characters, quotes have no special meaning. An empty field is null. Errors (AppError `invalid_data`, naming
 * file:line): the errors of `readLines`; an empty file; a column with no name or a duplicate name; a first record in
 * which the number of fields differs from the number of given names; while reading, a malformed record or a record of
 * the wrong length.
 */
export async function openDelimited(path: string, options: DelimitedOptions = {}): Promise<RowSource> {
  const { encoding = 'utf-8' } = options;
  const first = await findFirstRecord(readWholeLines(path, LINE_LIMITS, encoding));
  if (first === null) throw lineError(path, 1, 'the file is empty');
  const delimiter = options.delimiter ?? findDelimiter(first.text);
  if (delimiter === '' || delimiter === '"')
    throw new AppError('invalid_argument', `${JSON.stringify(delimiter)} cannot separate the fields of ${path}`);
  const found = delimiter.length > 1 ? first.text.split(delimiter) : parseCsvRecord(first.text, delimiter);
  if (typeof found === 'string') throw csvError(path, first.line, found);
  if (found.some((name) => name.includes('\r'))) throw lineError(path, first.line, LONE_RETURN);
  const columns = options.columns ?? found.map((name) => name.trim());
  if (columns.length !== found.length)
    throw lineError(
      path,
      first.line,
      `the row has ${found.length} fields, separated by ${JSON.stringify(delimiter)}, ` +
        `but ${columns.length} column names were given`,
    );
  checkNames(path, columns);

  async function* read(wanted: readonly string[]): AsyncGenerator<readonly Row[], void, void> {
    const places = wanted.map((name) => columns.indexOf(name));
    let rows: Row[] = [];
    let isHeader = !options.columns;
    const take = (fields: readonly string[], line: number) => {
      if (isHeader) {
        isHeader = false;
        return;
      }
      if (fields.length !== columns.length)
        throw lineError(path, line, `the row has ${fields.length} fields, but ${columns.length} are expected`);
      rows.push({ line, values: places.map((place) => fields[place] || null) });
    };
    const reader = delimiter.length > 1 ? plainReader(delimiter, take) : csvReaderOf(path, take, delimiter);
    for await (const batch of readWholeLines(path, LINE_LIMITS, encoding)) {
      reader.read(batch);
      yield rows;
      rows = [];
    }
    reader.end();
    if (rows.length > 0) yield rows;
  }
  return { path, columns, read };
}

const LONE_RETURN = 'lines end in CR alone, which is not supported; convert them to LF (tr "\\r" "\\n")';

/** Reads lines in which quotes have no special meaning. */
function plainReader(delimiter: string, take: (fields: readonly string[], line: number) => void) {
  const read = ({ firstLine, lines }: LineBatch) => {
    for (let i = 0; i < lines.length; i++) {
      const line = withoutReturn(lines[i]!);
      if (line !== '') take(line.split(delimiter), firstLine + i);
    }
  };
  return { read, end: () => {} };
}

/** The separator that occurs most often outside quotes; a comma if no separator occurs. */
function findDelimiter(record: string): string {
  const bare = record.replaceAll(/"[^"]*"/g, '');
  if (bare.includes(DOUBLE_COLON)) return DOUBLE_COLON;
  let best: string = ',';
  let most = 0;
  for (const delimiter of DELIMITERS) {
    const count = bare.split(delimiter).length - 1;
    if (count > most) [best, most] = [delimiter, count];
  }
  return best;
}

function checkNames(path: string, columns: readonly string[]): void {
  for (const [i, name] of columns.entries()) {
    if (name === '') throw lineError(path, 1, `column ${i + 1} has no name`);
    if (columns.indexOf(name) < i) throw lineError(path, 1, `the column ${JSON.stringify(name)} appears twice`);
  }
}
