/** Reads the header of a CSV file. */
import { readHead } from '../../dataset/delimited-source.ts';
import { lineError } from '../../dataset/lines.ts';

/** How to read the records of a file. */
export interface CsvHead {
  /** The path in messages. */
  readonly path: string;
  /** The file to read, which is a local copy if the source is remote. */
  readonly file: string;
  readonly delimiter: string;
  readonly columns: readonly string[];
}

/**
 * Reads a file's header. If no delimiter is given, prefers one that yields the column `needed`.
 * @throws AppError invalid_data
 */
export async function readCsvHead(path: string, file: string, needed?: string, given?: string): Promise<CsvHead> {
  const delimiters = given === undefined ? undefined : [given];
  const { delimiter, fields } = await readHead(path, {
    file,
    ...(needed && { needed }),
    ...(delimiters && { delimiters }),
  });
  // pandas writes the index as a column without a name
  const columns = fields.map((field, i) => field || `column${i}`);
  const twice = columns.find((name, i) => columns.indexOf(name) !== i);
  if (twice !== undefined) throw lineError(path, 1, `the header has the column "${twice}" twice`);
  return { path, file, delimiter, columns };
}
