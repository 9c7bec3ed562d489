/** Pages of lists: a statement asks for a row more than a page has, which says whether there is another page. */
import { decodeCursor, encodeCursor, type ListName } from '../../domain/cursors.ts';
import type { Page, PageQuery } from '../../domain/types.ts';

/** What the statement of a list that begins with the newest row binds. @throws AppError invalid_cursor */
export function boundsOf(list: ListName, { cursor, limit }: PageQuery): { before: number; most: number } {
  return { before: cursor === undefined ? Number.MAX_SAFE_INTEGER : decodeCursor(list, cursor), most: limit + 1 };
}

/**
 * The first `limit` of the rows; its cursor names the last of them, so that rows of later change nothing. Those that
 * `wholeOf` takes out are on no page.
 */
export function pageOf<Row extends { readonly number: number }, T>(
  list: ListName,
  rows: readonly Row[],
  limit: number,
  toItem: (row: Row) => T,
  wholeOf: (page: readonly Row[]) => readonly Row[] = (page) => page,
): Page<T> {
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  return {
    items: wholeOf(page).map(toItem),
    nextCursor: last !== undefined && rows.length > limit ? encodeCursor(list, last.number) : null,
  };
}
