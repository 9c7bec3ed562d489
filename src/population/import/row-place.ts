/** The place of a row in its file, and the errors that name this place. */
import { lineError } from '../../dataset/lines.ts';
import { AppError, type ErrorDetail } from '../../lib/errors.ts';
import { ILL_FORMED } from '../../lib/text/text-table.ts';

/** The place of the row that is being read; `line` is updated for each row. */
export interface RowPlace {
  readonly path: string;
  /** The 1-based line on which the row begins; in a file without lines, the 1-based row number. */
  line: number;
  readonly hasLines: boolean;
}

const EXAMPLE_CHARACTERS = 80;

/** Creates an AppError `invalid_data` that names the place: `file:line`, or `file row N`. */
export function placeError(
  { path, line, hasLines }: RowPlace,
  message: string,
  more: Omit<ErrorDetail, 'pointer' | 'message'> = {},
): AppError {
  if (hasLines) return lineError(path, line, message, more);
  const pointer = `${path} row ${line}`;
  return new AppError('invalid_data', `${pointer}: ${message}`, { details: [{ pointer, message, ...more }] });
}

/** The error for a string that cannot be added to a table. `fault` is the value that `TextTable.add` returned. */
export function textError(place: RowPlace, what: string, text: string, fault: number, limit: number): AppError {
  const value = text.slice(0, EXAMPLE_CHARACTERS);
  if (fault === ILL_FORMED)
    return placeError(place, `${what} contains half of a surrogate pair, which is not valid text`, { value });
  return placeError(place, `${what} is longer than ${limit} bytes`, { value, limit });
}
