/**
 * Checksums of all rows. Each table has an index `sum_<table>` of its key and `row_sum(<all columns>)`, so SQLite
 * itself keeps the sum in the transaction that writes the row, and `integrity_check` compares the two. Here they are
 * compared in slices, which names the rows.
 */
import { crc32 } from 'node:zlib';
import Sqlite from 'better-sqlite3';
import type { DamagedRow } from '../../../domain/ports/upkeep.ts';
import { assert } from '../../../lib/errors.ts';
import { type Database, KEPT_SUM, PRESENT_SUM, versionOf } from './driver.ts';

/** Goes up when `rowSum` changes. */
const FORMAT = 2;
/** Rows that are compared at once. */
const COMPARED_ROWS = 256;
const PREFIX = 'sum_';
/** Columns that are never shown: ids of users, secrets. */
const HIDDEN = ['user_id', 'secret', 'key'];

/** A table that has sums. */
interface SummedTable {
  readonly name: string;
  readonly columns: readonly string[];
  /** What finds a row: the primary key, or all that is never NULL. */
  readonly key: readonly string[];
}

/** Makes the indexes anew, if they are not those of this version of the schema. Killed, the next opening does it. */
export function keepSums(database: Database): void {
  if (areCurrent(database)) return;
  const make = database.transaction(() => {
    // another process may have done it while this one waited for the lock
    if (areCurrent(database)) return;
    removeSums(database);
    for (const table of summedTables(database)) database.exec(indexOf(table));
    database
      .prepare('INSERT OR REPLACE INTO schema_sum (one, version, format, sum) VALUES (1, @version, @format, @sum)')
      .run({ version: versionOf(database), format: FORMAT, sum: sumOfSchema(database) });
  });
  make.immediate();
}

/** Removes the indexes: migrations change their tables. */
export function removeSums(database: Database): void {
  const names = database
    .prepare(`SELECT name FROM sqlite_master WHERE type = 'index' AND name GLOB '${PREFIX}*'`)
    .pluck()
    .all() as string[];
  for (const name of names) database.exec(`DROP INDEX ${name}`);
}

/** Whether rows have sums: those of an earlier version have none until a service opens it. */
export function hasSums(database: Database): boolean {
  return hasTable(database, 'schema_sum') && database.prepare('SELECT 1 FROM schema_sum').get() !== undefined;
}

/**
 * Compares all rows with their sums; each slice yields the number of rows that it read. Safe beside a service: a row
 * and its sum are read in one statement.
 */
export function* findDamagedRows(database: Database): Generator<number, readonly DamagedRow[], void> {
  const damaged: DamagedRow[] = [];
  if (!hasSums(database)) return damaged;
  for (const table of summedTables(database)) {
    try {
      for (const rows of slicesOf(database, table)) {
        yield rows.length;
        for (const row of rows)
          if (row['kept'] !== row['present']) damaged.push({ table: table.name, id: nameOf(row) });
      }
    } catch (error) {
      // a row that its index does not find
      if (!isCorrupt(error)) throw error;
      damaged.push({ table: table.name, id: '' });
    }
  }
  return damaged;
}

/** Of the damaged rows of a table: the sum that was kept of each, by the one that it has. */
export function keptSums(database: Database, name: string): ReadonlyMap<bigint, bigint> {
  const { columns } = tableOf(database, name);
  const rows = database
    .prepare(
      `SELECT * FROM (SELECT ${PRESENT_SUM}(${quoted(columns)}) AS present, ${KEPT_SUM}(${quoted(columns)}) AS kept
         FROM ${name} INDEXED BY ${PREFIX}${name}) WHERE present <> kept`,
    )
    .safeIntegers()
    .raw()
    .all() as [bigint, bigint][];
  return new Map(rows);
}

/** A statement that finds one row by its primary key: whether it is whole (0 or 1), and what it is called. */
export function selectOfRow(database: Database, name: string) {
  const table = tableOf(database, name);
  const { columns, key } = table;
  return database.prepare(
    `SELECT ${KEPT_SUM}(${quoted(columns)}) = ${PRESENT_SUM}(${quoted(columns)}) AS isWhole,
       ${KEPT_SUM}(${quoted(columns)}) AS kept, ${shownOf(table)} AS shown
     FROM ${name} INDEXED BY ${PREFIX}${name} WHERE ${key.map((column) => `"${column}" = @${column}`).join(' AND ')}`,
  );
}

/** Whether a row that was damaged still is. */
export function isDamaged(database: Database, { table: name, id }: DamagedRow): boolean {
  const table = summedTables(database).find((one) => one.name === name);
  if (table === undefined || !hasSums(database)) return false;
  try {
    const row = database
      .prepare(
        `SELECT 1 FROM ${name} INDEXED BY ${PREFIX}${name}
         WHERE ${shownOf(table)} IS @id AND ${KEPT_SUM}(${quoted(table.columns)}) <> ${PRESENT_SUM}(${quoted(table.columns)})
         ORDER BY ${quoted(table.key)} LIMIT 1`,
      )
      .get({ id });
    return row !== undefined;
  } catch (error) {
    if (!isCorrupt(error)) throw error;
    return true;
  }
}

/** What is wrong beside the rows, in sentences: the schema, and numbers that would be given again. */
function schemaFaults(database: Database): string[] {
  if (!hasSums(database)) return [];
  const kept = database.prepare('SELECT version, sum FROM schema_sum').get() as { version: number; sum: number };
  const faults = [];
  if (kept.version !== versionOf(database))
    faults.push(`its header says schema ${versionOf(database)}, and it was written as schema ${kept.version}`);
  if (kept.sum !== sumOfSchema(database)) faults.push('its schema is not as it was written (its checksum differs)');
  for (const { name, key } of summedTables(database)) {
    const given = database.prepare('SELECT seq FROM sqlite_sequence WHERE name = @name').pluck().get({ name });
    if (given === undefined) continue;
    const highest = database.prepare(`SELECT max(${key[0]}) FROM ${name}`).pluck().get() as number | null;
    if ((highest ?? 0) > (given as number))
      faults.push(`table ${name} has number ${highest}, and ${given} is recorded as the last one that was given`);
  }
  return faults;
}

/**
 * Whether a line of `integrity_check` is of the sums of one of these tables, whose rows are named by `findDamagedRows`.
 */
function isOfSums(line: string, tables: ReadonlySet<string>): boolean {
  const table = /\bindex sum_(\w+)$/.exec(line)?.[1];
  return table !== undefined && tables.has(table);
}

function areCurrent(database: Database): boolean {
  if (!hasTable(database, 'schema_sum')) return true;
  const row = database.prepare('SELECT version, format FROM schema_sum').get() as
    | { version: number; format: number }
    | undefined;
  return row !== undefined && row.version === versionOf(database) && row.format === FORMAT;
}

function hasTable(database: Database, name: string): boolean {
  const sql = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = @name";
  return database.prepare(sql).get({ name }) !== undefined;
}

/** All tables but SQLite's own. */
function summedTables(database: Database): SummedTable[] {
  const names = database
    .prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT GLOB 'sqlite_*' ORDER BY name")
    .pluck()
    .all() as string[];
  return names.map((name) => {
    const columns = database.pragma(`table_info(${name})`) as { name: string; pk: number; notnull: number }[];
    const primary = columns.filter(({ pk }) => pk > 0).sort((a, b) => a.pk - b.pk);
    const key = primary.length > 0 ? primary : columns.filter(({ notnull }) => notnull === 1);
    return { name, columns: columns.map((column) => column.name), key: key.map((column) => column.name) };
  });
}

function tableOf(database: Database, name: string): SummedTable {
  const table = summedTables(database).find((one) => one.name === name);
  assert(table !== undefined, `table ${name} has sums`);
  return table;
}

function indexOf({ name, columns, key }: SummedTable): string {
  return `CREATE INDEX ${PREFIX}${name} ON ${name} (${quoted(key)}, ${KEPT_SUM}(${quoted(columns)}))`;
}

function* slicesOf(database: Database, table: SummedTable): Generator<readonly Record<string, unknown>[], void, void> {
  const { name, columns, key } = table;
  const after = key.map((_, i) => `@k${i}`).join(', ');
  const select = (where: string) =>
    database.prepare(
      `SELECT ${KEPT_SUM}(${quoted(columns)}) AS kept, ${PRESENT_SUM}(${quoted(columns)}) AS present,
         ${key.map((column, i) => `"${column}" AS k${i}`).join(', ')},
         ${shownOf(table)} AS shown
       FROM ${name} INDEXED BY ${PREFIX}${name} ${where} ORDER BY ${quoted(key)} LIMIT ${COMPARED_ROWS}`,
    );
  const next = select(`WHERE (${quoted(key)}) > (${after})`);
  let rows = select('').all() as Record<string, unknown>[];
  for (;;) {
    yield rows;
    const last = rows.at(-1);
    if (last === undefined || rows.length < COMPARED_ROWS) return;
    rows = next.all(Object.fromEntries(key.map((_, i) => [`k${i}`, last[`k${i}`] as string | number]))) as Record<
      string,
      unknown
    >[];
  }
}

/** The expression of what a row is called: text, or NULL. */
function shownOf({ columns, key }: SummedTable): string {
  const shown = columns.includes('id') ? ['id'] : key.filter((column) => !HIDDEN.includes(column));
  return shown.length === 0 ? 'NULL' : shown.map((column) => `CAST("${column}" AS TEXT)`).join(" || '/' || ");
}

/** Two rows whose keys are hidden differ by their sums. */
export function nameOf({ shown, kept }: Readonly<Record<string, unknown>>): string {
  return shown === null ? `with sum ${(Number(kept) >>> 0).toString(16).padStart(8, '0')}` : String(shown);
}

function quoted(columns: readonly string[], between = ', '): string {
  return columns.map((column) => `"${column}"`).join(between);
}

export function isCorrupt(error: unknown): boolean {
  return error instanceof Sqlite.SqliteError && error.code.startsWith('SQLITE_CORRUPT');
}

/** Of all statements; a copy by VACUUM has the same. */
function sumOfSchema(database: Database): number {
  const rows = database
    .prepare("SELECT type, name, tbl_name, sql FROM sqlite_master WHERE name NOT GLOB 'sqlite_*' ORDER BY type, name")
    .raw()
    .all();
  return crc32(JSON.stringify(rows)) | 0;
}

/** In sentences; none where it is whole. Of a database of this version, beside a service or without one. */
export function databaseFaults(database: Database): string[] {
  const damaged = drain(findDamagedRows(database));
  const tables = new Set(damaged.filter(({ id }) => id !== '').map(({ table }) => table));
  const rows = database.prepare('PRAGMA integrity_check').pluck().all() as string[];
  const lost = database.prepare('PRAGMA foreign_key_check').all() as { table: string; parent: string }[];
  return [
    ...damaged.map(describeRow),
    ...rows.filter((row) => row !== 'ok' && !isOfSums(row, tables)),
    ...schemaFaults(database),
    ...lost.map(({ table, parent }) => `a row of ${table} refers to a row of ${parent} that is not there`),
  ];
}

function describeRow({ table, id }: DamagedRow): string {
  const row = id === '' ? 'a row' : `row ${id}`;
  return `${row} of ${table} is not as it was written (its checksum differs): restore a backup, or compare the row with one`;
}

function drain<T>(slices: Generator<unknown, T, void>): T {
  for (;;) {
    const { done, value } = slices.next();
    if (done) return value as T;
  }
}
