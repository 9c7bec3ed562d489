/**
 * Reads the rows of a text file with a separator between fields (comma, tab, semicolon, `::`). The file may be
 * compressed.
 */

import { AppError } from '../lib/errors.ts';
import { type CsvFault, findFirstRecord, parseCsvRecord } from '../lib/text/csv-reader.ts';
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

/** Separators to look for in the first record. */
const DELIMITERS: readonly string[] = [',', ';', '\t', '|'];
/** The separator of MovieLens 1M. It is always chosen if it occurs. */
const DOUBLE_COLON = '::';

interface HeadReading {
  /** The file to read, if it is a copy of the file named in errors. */
  readonly file?: string;
  readonly encoding?: Encoding;
  readonly delimiters?: readonly string[];
  readonly needed?: string;
}

/** The first record of a file, and the separator that splits it. */
interface Head {
  readonly line: number;
  readonly delimiter: string;
  /** Includes the white space around each field. */
  readonly fields: readonly string[];
}

/**
 * Reads the first record of `file`; errors name it `path`. Chooses the delimiter that gives a field `needed`, otherwise
 * the one that gives the most fields. If the delimiter has several characters, quotes have no special meaning.
 * @throws AppError invalid_data for an empty file, lines that end in CR alone, or a record that no delimiter splits
 */
export async function readHead(
  path: string,
  { file = path, encoding = 'utf-8', delimiters = DELIMITERS, needed }: HeadReading = {},
): Promise<Head> {
  const first = await findFirstRecord(readWholeLines(file, LINE_LIMITS, encoding, path));
  if (first === null) throw lineError(path, 1, 'the file is empty, or has no header');
  const { text, line } = first;
  const bare = text.replaceAll(/"[^"]*"/g, '');
  if (bare.includes('\r')) throw lineError(path, line, LONE_RETURN);
  const possible = bare.includes(DOUBLE_COLON) && delimiters.includes(DOUBLE_COLON) ? [DOUBLE_COLON] : delimiters;
  const heads = possible.flatMap((delimiter): Head[] => {
    const fields = delimiter.length > 1 ? text.split(delimiter) : parseCsvRecord(text, delimiter);
    if (fields === 'not_closed') throw csvError(path, line, fields);
    // with the wrong delimiter, a quote within a field is not an error
    return typeof fields === 'string' ? [] : [{ line, delimiter, fields }];
  });
  heads.sort((one, other) => other.fields.length - one.fields.length);
  const head = heads.find(({ fields }) => needed !== undefined && fields.includes(needed)) ?? heads[0];
  if (head === undefined) throw csvError(path, line, parseCsvRecord(text, possible[0]) as CsvFault);
  return head;
}

/**
 * Opens the file and reads its header. The file is read as CSV (`CsvReader`), but if the separator has several
 * characters, quotes have no special meaning. An empty field is null. Errors (AppError `invalid_data`, naming
 * file:line): the errors of `readLines`; an empty file; a column with no name or a duplicate name; a first record in
 * which the number of fields differs from the number of given names; while reading, a malformed record or a record of
 * the wrong length.
 */
export async function openDelimited(path: string, options: DelimitedOptions = {}): Promise<RowSource> {
  const { encoding = 'utf-8', delimiter: given } = options;
  if (given === '' || given === '"')
    throw new AppError('invalid_argument', `${JSON.stringify(given)} cannot separate the fields of ${path}`);
  const delimiters = given === undefined ? [...DELIMITERS, DOUBLE_COLON] : [given];
  const { line, delimiter, fields } = await readHead(path, { encoding, delimiters });
  const columns = options.columns ?? fields.map((name) => name.trim());
  if (columns.length !== fields.length)
    throw lineError(
      path,
      line,
      `the row has ${fields.length} fields, separated by ${JSON.stringify(delimiter)}, ` +
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

function checkNames(path: string, columns: readonly string[]): void {
  for (const [i, name] of columns.entries()) {
    if (name === '') throw lineError(path, 1, `column ${i + 1} has no name`);
    if (columns.indexOf(name) < i) throw lineError(path, 1, `the column ${JSON.stringify(name)} appears twice`);
  }
}
