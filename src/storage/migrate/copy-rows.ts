/** Copies rows table by table from one dialect to the other, and then compares them. */
import { createHash } from 'node:crypto';
import { AppError } from '../../lib/errors.ts';
import { halvesReplaced } from '../postgres/database/statement.ts';
import { Json } from '../sql/json.ts';
import type { Sql, Transaction } from '../sql/sql.ts';
import { TABLES, type Table } from './tables.ts';

/** Maximum number of rows that are read at once, and written by one statement. */
const READ_ROWS = 1_000;
const WRITTEN_ROWS = 50;

/** A table with the columns to copy. Postgres reports which of them contain JSON. */
interface CopiedTable extends Table {
  readonly columns: readonly { readonly name: string; readonly isJson: boolean }[];
}

/** A value in the form common to both dialects: flags are 0 and 1, and JSON is text. */
type Value = string | number | null;
type Row = Readonly<Record<string, Value>>;

/** Number of rows of a table, and the sum of their sha256 values, which does not depend on their order. */
export interface TableSum {
  readonly table: string;
  readonly rows: number;
  readonly sum: string;
}

/**
 * Copies all rows of a consistent state of a store into empty tables, then reads them back and compares them.
 * @throws AppError storage_failed, which names the tables that differ
 */
export async function copyRows(
  from: Sql,
  to: Transaction,
  onRows: (table: string, rows: number) => void,
): Promise<readonly TableSum[]> {
  const [sums, differing]: [TableSum[], string[]] = [[], []];
  for (const table of await describeTables(from.dialect.name === 'postgres' ? from : to)) {
    const [read, arrived] = [new Sum(), new Sum()];
    for await (const rows of slicesOf(from, table)) {
      for (const row of rows) read.add(row);
      for (let at = 0; at < rows.length; at += WRITTEN_ROWS)
        await insertRows(to, table, rows.slice(at, at + WRITTEN_ROWS));
      onRows(table.name, rows.length);
    }
    if (table.key[0] === 'number') await setLastNumber(to, table.name, await lastNumberOf(from, table.name));
    for await (const rows of slicesOf(to, table)) for (const row of rows) arrived.add(row);
    if (read.rows !== arrived.rows || read.sum !== arrived.sum) differing.push(table.name);
    sums.push({ table: table.name, rows: read.rows, sum: read.sum });
  }
  if (to.dialect.name === 'postgres')
    await to.all(`SELECT setval('audit_reached', coalesce(max(reached_at), 0)) FROM audit_log`);
  if (differing.length === 0) return sums;
  throw new AppError('storage_failed', `the copy differs from its source in ${differing.join(', ')}`);
}

async function describeTables(postgres: Sql): Promise<readonly CopiedTable[]> {
  const rows = await postgres.all<{ readonly table: string; readonly name: string; readonly isJson: boolean }>(
    `SELECT table_name AS "table", column_name AS name, data_type = 'json' AS "isJson"
     FROM information_schema.columns WHERE table_schema = current_schema() ORDER BY column_name`,
  );
  const columns = Map.groupBy(rows, ({ table }) => table);
  return TABLES.map((table) => ({
    ...table,
    columns: columns.get(table.name)!.filter(({ name }) => !table.ownColumns?.includes(name)),
  }));
}

async function* slicesOf(sql: Sql, table: CopiedTable): AsyncGenerator<readonly Row[]> {
  const { name, key, columns } = table;
  const names = columns.map((column) => column.name).join(', ');
  const after = `WHERE (${key.join(', ')}) > (${key.map((column) => `@${column}`).join(', ')})`;
  for (let last: Row | undefined; ; ) {
    const rows = await sql.all<Readonly<Record<string, Value | boolean>>>(
      `SELECT ${names} FROM ${name} ${last === undefined ? '' : after} ORDER BY ${key.join(', ')} LIMIT ${READ_ROWS}`,
      last,
    );
    const shared = rows.map((row) => toShared(table, row));
    if (shared.length > 0) yield shared;
    if (shared.length < READ_ROWS) return;
    last = shared.at(-1)!;
  }
}

function toShared({ name, columns }: CopiedTable, row: Readonly<Record<string, Value | boolean>>): Row {
  const shared: Record<string, Value> = {};
  for (const column of columns) {
    const value = row[column.name]!;
    if (typeof value === 'boolean') shared[column.name] = Number(value);
    else shared[column.name] = column.isJson && typeof value === 'string' ? halvesReplaced(value) : value;
  }
  // in the new store, the job can be claimed at once; the attempt counts as if its engine had been lost
  if (name === 'jobs' && shared['lease_until'] !== null) shared['lease_until'] = 0;
  return shared;
}

async function insertRows(to: Sql, { name, key, columns, isSingle }: CopiedTable, rows: readonly Row[]): Promise<void> {
  const names = columns.map((column) => column.name);
  const bound: Record<string, Value | Json> = {};
  const tuples = rows.map((row, i) => {
    for (const { name, isJson } of columns) {
      const value = row[name]!;
      bound[`${name}_${i}`] = isJson && typeof value === 'string' ? new Json(value) : value;
    }
    return `(${names.map((name) => `@${name}_${i}`).join(', ')})`;
  });
  const replaced = names.map((name) => `${name} = excluded.${name}`).join(', ');
  const conflict = isSingle ? `ON CONFLICT (${key.join(', ')}) DO UPDATE SET ${replaced}` : '';
  await to.run(`INSERT INTO ${name} (${names.join(', ')}) VALUES ${tuples.join(', ')} ${conflict}`, bound);
}

/** The highest number that a row of the table ever had. */
async function lastNumberOf(sql: Sql, table: string): Promise<number> {
  const select =
    sql.dialect.name === 'sqlite'
      ? 'SELECT seq AS last FROM sqlite_sequence WHERE name = @table'
      : `SELECT CASE WHEN is_called THEN last_value ELSE 0 END AS last FROM ${table}_number_seq`;
  return (await sql.get<{ readonly last: number }>(select, { table }))?.last ?? 0;
}

async function setLastNumber(to: Transaction, table: string, last: number): Promise<void> {
  if (last === 0) return;
  if (to.dialect.name === 'postgres') {
    await to.get(`SELECT setval('${table}_number_seq', @last)`, { last });
    return;
  }
  await to.run('DELETE FROM sqlite_sequence WHERE name = @table', { table });
  await to.run('INSERT INTO sqlite_sequence (name, seq) VALUES (@table, @last)', { table, last });
}

class Sum {
  rows = 0;
  #sum = 0n;

  get sum(): string {
    return BigInt.asUintN(256, this.#sum).toString(16).padStart(64, '0');
  }

  add(row: Row): void {
    this.rows += 1;
    this.#sum += BigInt(`0x${createHash('sha256').update(JSON.stringify(row)).digest('hex')}`);
  }
}
