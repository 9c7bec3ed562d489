/** Assigns numbers to the ids of users and items. */

import { FULL, ILL_FORMED, type TextTable, TOO_LONG } from '../../lib/text/text-table.ts';
import { lineError } from '../lines.ts';

/** Maximum length of an id, in bytes of UTF-8. */
const MAXIMUM_ID_BYTES = 256;

const FAULTS: Readonly<Record<number, string>> = {
  [TOO_LONG]: `the id is longer than ${MAXIMUM_ID_BYTES} bytes`,
  [ILL_FORMED]: 'the id has a lone surrogate',
  [FULL]: 'there are more different ids than a table can hold',
};

/** Returns the number of an id; an unknown id gets a new number. Errors: AppError `invalid_data`, naming file:line. */
export function numberOf(table: TextTable, id: string, path: string, line: number): number {
  const number = table.add(id, MAXIMUM_ID_BYTES);
  if (number < 0) throw lineError(path, line, FAULTS[number]!, { value: id.slice(0, 200) });
  return number;
}
