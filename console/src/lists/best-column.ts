/** The column with the ids, where a file's own names do not tell: the one whose values the service knows best. */
import type { Preview } from './read/layout.ts';

/** Columns that the service is asked about. */
const ASKED_COLUMNS = 6;

/** `knownOf`: how many of the ids the service knows. null where it knows none of any column. */
export async function bestColumn(
  { rows, columns }: Preview,
  knownOf: (ids: readonly string[]) => Promise<number>,
): Promise<number | null> {
  let best: number | null = null;
  let most = 0;
  for (let column = 0; column < Math.min(ASKED_COLUMNS, columns.length); column++) {
    const ids = [...new Set(rows.map((row) => row[column]?.trim() ?? '').filter(Boolean))];
    if (ids.length === 0) continue;
    const known = await knownOf(ids);
    if (known > most) [best, most] = [column, known];
  }
  return best;
}
