/**
 * Columns of a table or a query, each named in one place. For reads, one list of columns determines the SELECT list,
 * the row type and the values. For writes, the keys of one object are the column names and the bound names.
 */
import { decodeCursor, encodeCursor, type ListName } from '../../domain/cursors.ts';
import type { PageQuery } from '../../domain/types.ts';

/** Defines how a column is selected and read. */
export interface Column<T> {
  /** SQL of the column: a name or an expression. */
  readonly sql: string;
  /** Converts the value that the driver returns; by default, the value is returned unchanged. */
  readonly read?: (stored: unknown) => T;
}

type Columns = Readonly<Record<string, Column<unknown>>>;

export type RowOf<C extends Columns> = { readonly [K in keyof C]: C[K] extends Column<infer T> ? T : never };

/** How a dialect of SQL stores JSON and booleans. `Flag` is the stored type of a boolean. */
export interface Dialect<Flag> {
  readonly json: <T>(sql: string) => Column<T>;
  readonly flag: (sql: string) => Column<boolean>;
  /** The value for a JSON column; null and undefined are returned unchanged. */
  readonly toJson: (value: object | null | undefined) => string | null | undefined;
  readonly toFlag: (value: boolean | undefined) => Flag | undefined;
}

/** A column whose value is returned unchanged. */
export function plain<T>(sql: string): Column<T> {
  return { sql };
}

/** `<sql> AS <name>, ..` */
export function selectList(columns: Columns): string {
  return Object.entries(columns)
    .map(([name, { sql }]) => `${sql} AS "${name}"`)
    .join(', ');
}

/** Makes an object from the values of a row that was selected with `selectList` of the same columns. */
export function readRow<C extends Columns>(columns: C, stored: unknown): RowOf<C> {
  const row = stored as Record<string, unknown>;
  for (const [name, read] of readersOf(columns)) row[name] = read(row[name]);
  return row as RowOf<C>;
}

/** The `read` functions by column. */
function readersOf(columns: Columns) {
  let readers = READERS.get(columns);
  if (readers === undefined) {
    readers = Object.entries(columns).flatMap(([name, { read }]) => (read ? [[name, read] as const] : []));
    READERS.set(columns, readers);
  }
  return readers;
}

const READERS = new WeakMap<Columns, (readonly [name: string, read: (stored: unknown) => unknown])[]>();

/** The values of a row to write, without those that are undefined. */
export function withoutUndefined<V>(written: Readonly<Record<string, V | undefined>>): Record<string, V> {
  const row: Record<string, V> = {};
  for (const [name, value] of Object.entries(written)) if (value !== undefined) row[name] = value;
  return row;
}

/**
 * The bound values for listing rows, newest first.
 * @throws AppError invalid_cursor
 */
export function boundsOf(list: ListName, { cursor, limit }: PageQuery): { before: number; most: number } {
  return { before: cursor === undefined ? Number.MAX_SAFE_INTEGER : decodeCursor(list, cursor), most: limit + 1 };
}

/** The first `limit` rows, and the cursor of the next page if there are more. */
export function cutPage<Row extends { readonly number: number }>(
  list: ListName,
  rows: readonly Row[],
  limit: number,
): { readonly page: readonly Row[]; readonly nextCursor: string | null } {
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  const nextCursor = last !== undefined && rows.length > limit ? encodeCursor(list, last.number) : null;
  return { page, nextCursor };
}
