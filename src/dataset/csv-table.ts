/** Streams the rows of a CSV file with a fixed header, plain or gzip; every refusal names file:line. */
import { lineError, readLines } from './lines.ts';
import { parseCsvRow } from './records.ts';

/** The fields of a row, one per column of the header, and its line in the file. */
export type RowVisitor = (fields: readonly string[], line: number) => void;

/**
 * Calls `visit` with each row of `path`, whose header must be `columns`, perhaps followed by `optional`; empty lines are
 * skipped. Memory is one chunk of the file. Errors (AppError `invalid_data`): those of `readLines`, a file without its
 * header, another header, a row of another length.
 */
export async function readCsvTable(
  path: string,
  columns: readonly string[],
  visit: RowVisitor,
  optional: readonly string[] = [],
): Promise<void> {
  let isHeader = true;
  let width = columns.length;
  for await (const { firstLine, lines } of readLines(path)) {
    for (let i = 0; i < lines.length; i++) {
      const text = lines[i]!;
      const line = firstLine + i;
      if (isHeader) {
        width = checkHeader(parseCsvRow(text, path, line), { columns, optional }, path, line);
        isHeader = false;
      } else if (text !== '') {
        const fields = parseCsvRow(text, path, line);
        if (fields.length !== width)
          throw lineError(path, line, `the row has ${fields.length} fields, but ${width} are expected`);
        visit(fields, line);
      }
    }
  }
  if (isHeader) throw lineError(path, 1, `the file is empty: the header ${columns.join(',')} is missing`);
}

/** The number of columns. */
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
