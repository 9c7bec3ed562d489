/**
 * Columns of a table or a query, each named in one place. For reads, one list of columns determines the SELECT list,
 * the row type and the values. For writes, the keys of one object are the column names and the bound names.
 */

import { decodeCursor, encodeCursor, type ListName } from '../../../domain/cursors.ts';
import type { Page, PageQuery } from '../../../domain/types.ts';
import { AppError } from '../../../lib/errors.ts';
import { type RowReference, wholeRows } from './damaged-rows.ts';
import type { Database } from './driver.ts';

/** The types of values in SQLite. */
export type Value = string | number | null;

/** Defines how a column is selected and read. */
export interface Column<T> {
  /** SQL of the column: a name or an expression. */
  readonly sql: string;
  /** Converts the stored value; by default, the value is returned unchanged. */
  readonly read?: (stored: Value) => T;
}

type Columns = Readonly<Record<string, Column<unknown>>>;

export type RowOf<C extends Columns> = { readonly [K in keyof C]: C[K] extends Column<infer T> ? T : never };

/** A column whose stored value is returned. */
export function plain<T extends Value>(sql: string): Column<T> {
  return { sql };
}

/** A boolean stored as 0 or 1. */
export function flag(sql: string): Column<boolean> {
  return { sql, read: (stored) => stored === 1 };
}

/** A column with JSON; NULL is read as null. */
export function json<T>(sql: string): Column<T> {
  return { sql, read: (stored) => (stored === null ? null : parse(sql, stored)) as T };
}

function parse(sql: string, stored: Value): unknown {
  try {
    return JSON.parse(stored as string);
  } catch (error) {
    throw new AppError('database_damaged', `${sql} is not JSON: a row is damaged`, { cause: error });
  }
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
  for (const [name, read] of readersOf(columns)) row[name] = read(row[name] as Value);
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

const READERS = new WeakMap<Columns, (readonly [name: string, read: (stored: Value) => unknown])[]>();

/** Values to write, by column; undefined values are left out. */
export type Written = Readonly<Record<string, Value | undefined>>;

/** The value for a JSON column. */
export function toJson(value: object | null | undefined): string | null | undefined {
  return value && JSON.stringify(value);
}

/** The value for a column that contains 0 or 1. */
export function toFlag(value: boolean | undefined): 0 | 1 | undefined {
  return value === undefined ? undefined : value ? 1 : 0;
}

/** Inserts a row and returns its number. Missing columns get the schema's default. */
export function insertRow(database: Database, table: string, written: Written): number {
  const row = withoutUndefined(written);
  const names = Object.keys(row);
  const values = names.map((name) => `@${name}`);
  return Number(
    database.prepare(`INSERT INTO ${table} (${names.join(', ')}) VALUES (${values.join(', ')})`).run(row)
      .lastInsertRowid,
  );
}

/** Updates columns of the row with this number. */
export function updateRow(database: Database, table: string, number: number, written: Written): void {
  const row = withoutUndefined(written);
  const assignments = Object.keys(row).map((name) => `${name} = @${name}`);
  database.prepare(`UPDATE ${table} SET ${assignments.join(', ')} WHERE number = @number`).run({ ...row, number });
}

function withoutUndefined(written: Written): Record<string, Value> {
  const row: Record<string, Value> = {};
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

/**
 * The first `limit` rows, without damaged rows. The cursor refers to the last row of the page, so later rows do not
 * affect the next page.
 */
export function pageOf<Row extends { readonly number: number }, T>(
  database: Database,
  list: ListName,
  rows: readonly Row[],
  limit: number,
  referencesOf: (row: Row) => readonly RowReference[],
  toItem: (row: Row) => T,
): Page<T> {
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  return {
    items: wholeRows(database, page, referencesOf).map(toItem),
    nextCursor: last !== undefined && rows.length > limit ? encodeCursor(list, last.number) : null,
  };
}
