/** Streams the rows of a CSV file with a fixed header. The file may be compressed. Every error names file:line. */
import { lineError, readWholeLines } from './lines.ts';
import { csvReaderOf } from './records.ts';

/** Plain or exponential decimals. Number() also accepts other text: empty, hexadecimal, infinite. */
export const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/** Called with the fields of a row, one per header column, and the number of the row's first line. */
export type RowVisitor = (fields: readonly string[], line: number) => void;

/** The header of interactions.csv, and the columns that may follow it. */
const INTERACTION_COLUMNS: readonly string[] = ['campaign_id', 'user_id', 'label', 'stage'];
const OPTIONAL_INTERACTION_COLUMNS: readonly string[] = ['time'];

/** Calls `readCsvTable` for a data set's interactions. */
export async function readInteractionsTable(path: string, visit: RowVisitor): Promise<void> {
  await readCsvTable(path, INTERACTION_COLUMNS, visit, OPTIONAL_INTERACTION_COLUMNS);
}

/**
 * Calls `visit` with each row of the file `path`. The header must be `columns`, optionally followed by `optional`.
 * Empty lines are skipped. Memory: one chunk of the file. Errors (AppError `invalid_data`): the errors of `readLines`
 * and `csvReaderOf`; a missing or wrong header; a row of the wrong length.
 */
export async function readCsvTable(
  path: string,
  columns: readonly string[],
  visit: RowVisitor,
  optional: readonly string[] = [],
): Promise<void> {
  let width: number | null = null;
  const reader = csvReaderOf(path, (fields, line) => {
    if (width === null) {
      width = checkHeader(fields, { columns, optional }, path, line);
      return;
    }
    if (fields.length !== width)
      throw lineError(path, line, `the row has ${fields.length} fields, but ${width} are expected`);
    visit(fields, line);
  });
  for await (const batch of readWholeLines(path)) reader.read(batch);
  reader.end();
  if (width === null) throw lineError(path, 1, `the file is empty: the header ${columns.join(',')} is missing`);
}

/** Checks the header and returns the number of columns. */
function checkHeader(
  fields: readonly string[],
  { columns, optional }: { readonly columns: readonly string[]; readonly optional: readonly string[] },
  path: string,
  line: number,
): number {
  const whole = [...columns, ...optional];
  const isKnown = fields.every((name, i) => name === whole[i]);
  if (isKnown && (fields.length === columns.length || fields.length === whole.length)) return fields.length;
  const value = fields.join(',').slice(0, 200);
  const perhaps = optional.length > 0 ? `[,${optional.join(',')}]` : '';
  throw lineError(path, line, `the header is ${JSON.stringify(value)}, not ${columns.join(',')}${perhaps}`, { value });
}
