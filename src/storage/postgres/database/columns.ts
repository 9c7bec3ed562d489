/**
 * Columns of a table or a query, each named in one place. For reads, one list of columns determines the SELECT list and
 * the row type. For writes, the keys of one object are the column names and the bound names.
 */
import { decodeCursor, encodeCursor, type ListName } from '../../../domain/cursors.ts';
import type { Page, PageQuery } from '../../../domain/types.ts';
import type { Sql } from './database.ts';

/** Defines how a column is selected and read. The driver reads numbers, booleans and JSON as their values. */
export interface Column<T> {
  /** SQL of the column: a name or an expression. */
  readonly sql: string;
  /** Converts the value; by default, the value is returned unchanged. */
  readonly read?: (stored: unknown) => T;
}

type Columns = Readonly<Record<string, Column<unknown>>>;

export type RowOf<C extends Columns> = { readonly [K in keyof C]: C[K] extends Column<infer T> ? T : never };

/** A column whose value is returned. */
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
export function readRow<C extends Columns>(columns: C, stored: object): RowOf<C> {
  const row = stored as Record<string, unknown>;
  for (const [name, { read }] of Object.entries(columns)) if (read) row[name] = read(row[name]);
  return row as RowOf<C>;
}

/** Values to write, by column; undefined values are left out. JSON columns get texts of `toJson`. */
export type Written = Readonly<Record<string, string | number | boolean | null | undefined>>;

/** Inserts a row and returns its number; for a table without numbers, use `insert`. */
export async function insertRow(sql: Sql, table: string, written: Written): Promise<number> {
  const row = await sql.get<{ readonly number: number }>(
    `${insertOf(table, written)} RETURNING number`,
    withoutUndefined(written),
  );
  return row!.number;
}

/** Inserts a row. Missing columns get the schema's default. */
export async function insert(sql: Sql, table: string, written: Written): Promise<void> {
  await sql.run(insertOf(table, written), withoutUndefined(written));
}

/** Updates columns of the row with this number, if there are any to update. */
export async function updateRow(sql: Sql, table: string, number: number, written: Written): Promise<void> {
  const row = withoutUndefined(written);
  const assignments = Object.keys(row).map((name) => `${name} = @${name}`);
  if (assignments.length === 0) return;
  await sql.run(`UPDATE ${table} SET ${assignments.join(', ')} WHERE number = @number`, { ...row, number });
}

function insertOf(table: string, written: Written): string {
  const names = Object.keys(withoutUndefined(written));
  return `INSERT INTO ${table} (${names.join(', ')}) VALUES (${names.map((name) => `@${name}`).join(', ')})`;
}

function withoutUndefined(written: Written): Record<string, unknown> {
  return Object.fromEntries(Object.entries(written).filter(([, value]) => value !== undefined));
}

/**
 * The bound values for listing rows, newest first.
 * @throws AppError invalid_cursor
 */
export function boundsOf(list: ListName, { cursor, limit }: PageQuery): { before: number; most: number } {
  return { before: cursor === undefined ? Number.MAX_SAFE_INTEGER : decodeCursor(list, cursor), most: limit + 1 };
}

/** The first `limit` rows, and the cursor of the next page if there are more. */
export function pageOf<Row extends { readonly number: number }, T>(
  list: ListName,
  rows: readonly Row[],
  limit: number,
  toItem: (row: Row) => T,
): Page<T> {
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  return {
    items: page.map(toItem),
    nextCursor: last !== undefined && rows.length > limit ? encodeCursor(list, last.number) : null,
  };
}
