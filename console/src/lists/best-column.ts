/**
 * Finds the column with the ids if the column names do not identify it, by the number of values that the service knows.
 */
import { ApiError } from '../api/errors.ts';
import type { Preview } from './read/layout.ts';

/** Maximum number of columns whose values are sent to the service. */
const ASKED_COLUMNS = 6;

/**
 * Returns the best column, or null if the service knows no value of any column. `knownOf` returns how many of the given
 * ids the service knows.
 */
export async function bestColumn(
  { rows, columns }: Preview,
  knownOf: (ids: readonly string[]) => Promise<number>,
): Promise<number | null> {
  let best: number | null = null;
  let most = 0;
  for (let column = 0; column < Math.min(ASKED_COLUMNS, columns.length); column++) {
    const ids = [...new Set(rows.map((row) => row[column]?.trim() ?? '').filter(Boolean))];
    if (ids.length === 0) continue;
    const known = await knownOf(ids).catch(noneIfRefused);
    if (known > most) [best, most] = [column, known];
  }
  return best;
}

/** The service refuses values that cannot be ids, such as names in a list of e-mail addresses. */
function noneIfRefused(error: unknown): number {
  if (error instanceof ApiError && error.code === 'invalid_request') return 0;
  throw error;
}
