/** Rows of a text file with a separator between its fields: CSV, TSV, semicolons, `::`; plain or gzip. */
import { AppError } from '../lib/errors.ts';
import { type Encoding, LINE_LIMITS, lineError, readLines } from './lines.ts';
import { parseCsvRow } from './records.ts';
import type { Row, RowSource } from './row-source.ts';

export interface DelimitedOptions {
  /** What stands between two fields; told from the first line if it is not given. */
  readonly delimiter?: string;
  /** The names of the columns of a file that has no header. */
  readonly columns?: readonly string[];
  readonly encoding?: Encoding;
}

/** Separators that the first line is searched for. `::` is MovieLens 1M's: where it stands it is meant. */
const DELIMITERS = [',', ';', '\t', '|'] as const;
const DOUBLE_COLON = '::';

/**
 * Opens the file and reads its header. A field may be quoted as in RFC 4180, but for separators of several characters;
 * an empty field is null. Errors (AppError `invalid_data`, naming file:line): those of `readLines`, an empty file, a
 * column without a name or with that of another, a first line of another length than the names given; while reading, a
 * row of another length.
 */
export async function openDelimited(path: string, options: DelimitedOptions = {}): Promise<RowSource> {
  const { encoding = 'utf-8' } = options;
  const first = await firstLine(path, encoding);
  const delimiter = options.delimiter ?? findDelimiter(first);
  const split = splitter(path, delimiter);
  const found = split(first, 1);
  const columns = options.columns ?? found.map((name) => name.trim());
  if (columns.length !== found.length)
    throw lineError(
      path,
      1,
      `the row has ${found.length} fields, separated by ${JSON.stringify(delimiter)}, ` +
        `and there are ${columns.length} names of columns`,
    );
  checkNames(path, columns);
  const start = options.columns ? 1 : 2;

  async function* read(wanted: readonly string[]): AsyncGenerator<readonly Row[], void, void> {
    const places = wanted.map((name) => columns.indexOf(name));
    for await (const { firstLine, lines } of readLines(path, LINE_LIMITS, encoding)) {
      const rows: Row[] = [];
      for (let i = 0; i < lines.length; i++) {
        const line = firstLine + i;
        const text = lines[i]!;
        if (line < start || text === '') continue;
        const fields = split(text, line);
        if (fields.length !== columns.length)
          throw lineError(path, line, `the row has ${fields.length} fields, ${columns.length} are needed`);
        rows.push({ line, values: places.map((place) => fields[place] || null) });
      }
      yield rows;
    }
  }
  return { path, columns, read };
}

async function firstLine(path: string, encoding: Encoding): Promise<string> {
  for await (const { lines } of readLines(path, LINE_LIMITS, encoding)) if (lines[0]) return lines[0];
  throw lineError(path, 1, 'the file is empty, or its first line is');
}

/** The separator that stands most often outside of quotes; a comma where none does. */
function findDelimiter(line: string): string {
  const bare = line.replaceAll(/"[^"]*"/g, '');
  if (bare.includes(DOUBLE_COLON)) return DOUBLE_COLON;
  let best: string = ',';
  let most = 0;
  for (const delimiter of DELIMITERS) {
    const count = bare.split(delimiter).length - 1;
    if (count > most) [best, most] = [delimiter, count];
  }
  return best;
}

function splitter(path: string, delimiter: string): (text: string, line: number) => string[] {
  if (delimiter === '' || delimiter === '"')
    throw new AppError('invalid_argument', `${JSON.stringify(delimiter)} cannot separate the fields of ${path}`);
  if (delimiter.length > 1) return (text) => text.split(delimiter);
  return (text, line) => (text.includes('"') ? parseCsvRow(text, path, line, delimiter) : text.split(delimiter));
}

function checkNames(path: string, columns: readonly string[]): void {
  for (const [i, name] of columns.entries()) {
    if (name === '') throw lineError(path, 1, `column ${i + 1} has no name`);
    if (columns.indexOf(name) < i) throw lineError(path, 1, `the column ${JSON.stringify(name)} is there twice`);
  }
}
