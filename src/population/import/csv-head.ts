/** Reads the header of a CSV file, and finds its delimiter. */
import { LINE_LIMITS, lineError, readWholeLines } from '../../dataset/lines.ts';
import { csvError } from '../../dataset/records.ts';
import { findFirstRecord, parseCsvRecord } from '../../lib/text/csv-reader.ts';

/** How to read the records of a file. */
export interface CsvHead {
  /** The path in messages. */
  readonly path: string;
  /** The file to read, which is a local copy if the source is remote. */
  readonly file: string;
  readonly delimiter: string;
  readonly columns: readonly string[];
}

const DELIMITERS = [',', ';', '\t', '|'];

/**
 * Reads a file's header. Chooses a delimiter for which the header contains the column `needed`. If several delimiters
 * qualify, or none does, the delimiter that gives the most columns is chosen. Errors: AppError `invalid_data`.
 */
export async function readHead(
  path: string,
  file: string,
  needed: string | null,
  delimiter?: string,
): Promise<CsvHead> {
  const header = await findFirstRecord(readWholeLines(file, LINE_LIMITS, 'utf-8', path));
  if (header === null) throw lineError(path, 1, 'the file is empty, or has no header');
  if (header.text.replaceAll(/"[^"]*"/g, '').includes('\r'))
    throw lineError(path, 1, 'lines end in CR alone, which is not supported; convert them to LF (tr "\\r" "\\n")');
  const heads = (delimiter === undefined ? DELIMITERS : [delimiter])
    .map((by): CsvHead => ({ path, file, delimiter: by, columns: splitHeader(header, path, by) }))
    .sort((a, b) => b.columns.length - a.columns.length);
  const head = heads.find(({ columns }) => needed !== null && columns.includes(needed)) ?? heads[0]!;
  const twice = head.columns.find((name, i) => head.columns.indexOf(name) !== i);
  if (twice !== undefined) throw lineError(path, 1, `the header has the column "${twice}" twice`);
  return head;
}

function splitHeader(
  { text, line }: { readonly text: string; readonly line: number },
  path: string,
  delimiter: string,
): readonly string[] {
  const fields = parseCsvRecord(text, delimiter);
  // with the wrong delimiter, a quote within a field is not an error
  if (typeof fields === 'string') {
    if (fields === 'not_closed') throw csvError(path, line, fields);
    return [text];
  }
  // pandas writes the index as a column without a name
  return fields.map((field, i) => field || `column${i}`);
}
