/**
 * Columns of a table or a query, each named in one place. For reads, one list of columns determines the SELECT list,
 * the row type and the values. For writes, the keys of one object are both the column names and the bound names.
 */
import { decodeCursor, encodeCursor, type ListName } from '../../domain/cursors.ts';
import type { Page, PageQuery } from '../../domain/pages.ts';
import { AppError } from '../../lib/errors.ts';
import { readJson } from './json.ts';
import type { RowReference, Sql, Value } from './sql.ts';

/** Defines how a column is selected and read. */
export interface Column<T> {
  /** SQL of the column: a name or an expression. */
  readonly sql: string;
  /** Converts the value that the driver returns; by default, the value is returned unchanged. */
  readonly read?: (stored: unknown) => T;
}

type Columns = Readonly<Record<string, Column<unknown>>>;

export type RowOf<C extends Columns> = { readonly [K in keyof C]: C[K] extends Column<infer T> ? T : never };

/** A column whose value is returned unchanged. */
export function plain<T>(sql: string): Column<T> {
  return { sql };
}

/** A boolean, which SQLite stores as 0 or 1. */
export function flag(sql: string): Column<boolean> {
  return { sql, read: Boolean };
}

/** A column with JSON; NULL is read as null. */
export function json<T>(sql: string): Column<T> {
  return { sql, read: (stored) => (stored === null ? null : readJson(stored as string, sql)) as T };
}

/** `<sql> AS "<name>", ..` */
export function selectList(columns: Columns): string {
  return Object.entries(columns)
    .map(([name, { sql }]) => `${sql} AS "${name}"`)
    .join(', ');
}

/** Converts a row that was selected with `selectList` of the same columns to an object. */
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

/** Values to write, by column; undefined values are omitted. */
export type Written = Readonly<Record<string, Value | undefined>>;

/** Inserts a row. Missing columns get the schema's default. */
export async function insert(sql: Sql, table: string, written: Written): Promise<void> {
  const row = withoutUndefined(written);
  await sql.run(insertOf(table, row), row);
}

/** Inserts a row and returns its number; for a table without numbers, use `insert`. */
export async function insertRow(sql: Sql, table: string, written: Written): Promise<number> {
  const row = withoutUndefined(written);
  return (await sql.get<{ readonly number: number }>(`${insertOf(table, row)} RETURNING number`, row))!.number;
}

/** Updates columns of the row with this number. Does nothing if there are no values. */
export async function updateRow(sql: Sql, table: string, number: number, written: Written): Promise<void> {
  const row = withoutUndefined(written);
  const assignments = Object.keys(row).map((name) => `${name} = @${name}`);
  if (assignments.length === 0) return;
  await sql.run(`UPDATE ${table} SET ${assignments.join(', ')} WHERE number = @number`, { ...row, number });
}

function insertOf(table: string, row: Readonly<Record<string, Value>>): string {
  const names = Object.keys(row);
  return `INSERT INTO ${table} (${names.join(', ')}) VALUES (${names.map((name) => `@${name}`).join(', ')})`;
}

function withoutUndefined(written: Written): Record<string, Value> {
  const row: Record<string, Value> = {};
  for (const [name, value] of Object.entries(written)) if (value !== undefined) row[name] = value;
  return row;
}

/** @throws AppError database_damaged if one of these rows is damaged */
export async function refuseDamaged(sql: Sql, references: readonly RowReference[]): Promise<void> {
  const found = await sql.findDamaged(references);
  if (found === null) return;
  const what = `row ${found.id} of ${found.table} is damaged (its checksum differs)`;
  throw new AppError('database_damaged', `${what}: restore a backup`, { facts: { table: found.table } });
}

/**
 * The bound values for listing rows, newest first.
 * @throws AppError invalid_cursor
 */
export function boundsOf(list: ListName, { cursor, limit }: PageQuery): { before: number; most: number } {
  return { before: cursor === undefined ? Number.MAX_SAFE_INTEGER : decodeCursor(list, cursor), most: limit + 1 };
}

/**
 * The first `limit` rows, without damaged rows, and the cursor of the next page if there is one. The cursor refers to
 * the last row of the page, so rows added later do not affect the next page.
 */
export async function pageOf<Row extends { readonly number: number }, T>(
  sql: Sql,
  list: ListName,
  rows: readonly Row[],
  limit: number,
  referencesOf: (row: Row) => readonly RowReference[],
  toItem: (row: Row) => T,
  cursorOf: (row: Row) => string = ({ number }) => encodeCursor(list, number),
): Promise<Page<T>> {
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  const nextCursor = last !== undefined && rows.length > limit ? cursorOf(last) : null;
  const items: T[] = [];
  for (const row of page) if ((await sql.findDamaged(referencesOf(row))) === null) items.push(toItem(row));
  return { items, nextCursor };
}
