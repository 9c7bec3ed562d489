/** Columns as SQLite stores them, and statements that write rows. */
import type { ListName } from '../../../domain/cursors.ts';
import type { Page } from '../../../domain/types.ts';
import { AppError } from '../../../lib/errors.ts';
import type { CampaignDialect } from '../../rows/campaigns.ts';
import { type Column, cutPage, type Dialect, withoutUndefined } from '../../rows/columns.ts';
import { type RowReference, wholeRows } from './damaged-rows.ts';
import type { Database } from './driver.ts';

/** The types of values in SQLite. */
export type Value = string | number | null;

/** A boolean stored as 0 or 1. */
export function flag(sql: string): Column<boolean> {
  return { sql, read: (stored) => stored === 1 };
}

/** A column with JSON; NULL is read as null. */
export function json<T>(sql: string): Column<T> {
  return { sql, read: (stored) => (stored === null ? null : parse(sql, stored)) as T };
}

function parse(sql: string, stored: unknown): unknown {
  try {
    return JSON.parse(stored as string);
  } catch (error) {
    throw new AppError('database_damaged', `${sql} is not JSON: a row is damaged`, { cause: error });
  }
}

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

/** How SQLite stores JSON, booleans and times. */
export const SQLITE: Dialect<0 | 1> & CampaignDialect = {
  ...{ json, flag, toJson, toFlag },
  textOf: (sql) => sql,
  is: 'IS',
  later: (one, other) => `max(${one}, coalesce(${other}, 0))`,
};

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
  const { page, nextCursor } = cutPage(list, rows, limit);
  return { items: wholeRows(database, page, referencesOf).map(toItem), nextCursor };
}
