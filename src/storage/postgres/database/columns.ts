/** Columns as Postgres stores them, and writing rows. The driver reads JSON and booleans as their values. */
import type { ListName } from '../../../domain/cursors.ts';
import type { Page } from '../../../domain/types.ts';
import type { CampaignDialect } from '../../rows/campaigns.ts';
import { cutPage, type Dialect, plain, withoutUndefined } from '../../rows/columns.ts';
import type { Sql } from './database.ts';
import { toJson } from './statement.ts';

/** How Postgres stores JSON, booleans and times. */
export const POSTGRES: Dialect<boolean> & CampaignDialect = {
  json: plain,
  flag: plain,
  toJson,
  toFlag: (value) => value,
  textOf: (sql) => `${sql}::text`,
  is: 'IS NOT DISTINCT FROM',
  later: (one, other) => `greatest(${one}, ${other})`,
};

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

/** The first `limit` rows, and the cursor of the next page if there are more. */
export function pageOf<Row extends { readonly number: number }, T>(
  list: ListName,
  rows: readonly Row[],
  limit: number,
  toItem: (row: Row) => T,
): Page<T> {
  const { page, nextCursor } = cutPage(list, rows, limit);
  return { items: page.map(toItem), nextCursor };
}
