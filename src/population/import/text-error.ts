/** The error for a text that cannot be added to a table. */
import { lineError } from '../../dataset/lines.ts';
import type { AppError } from '../../lib/errors.ts';
import { ILL_FORMED } from '../../lib/text/text-table.ts';

const EXAMPLE_CHARACTERS = 80;

/** `fault` is the result of `TextTable.add`. */
export function textError(
  path: string,
  line: number,
  what: string,
  text: string,
  fault: number,
  limit: number,
): AppError {
  const value = text.slice(0, EXAMPLE_CHARACTERS);
  if (fault === ILL_FORMED)
    return lineError(path, line, `${what} contains half of a surrogate pair, which is not valid text`, { value });
  return lineError(path, line, `${what} is longer than ${limit} bytes`, { value, limit });
}
