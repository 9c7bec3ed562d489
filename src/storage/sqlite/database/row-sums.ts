/**
 * Checksums of all rows. Each table has an index `sum_<table>` on its key and `row_sum(<all columns>)`, so SQLite
 * itself stores the checksum in the transaction that writes the row, and `integrity_check` verifies the checksum. This
 * file compares rows in slices, to find the damaged rows.
 */
import { crc32 } from 'node:zlib';
import Sqlite from 'better-sqlite3';
import type { DamagedRow } from '../../../domain/ports/upkeep.ts';
import { assert } from '../../../lib/errors.ts';
import { drain } from '../../../lib/files/slices.ts';
import { type Connection, KEPT_SUM, PRESENT_SUM, versionOf } from './driver.ts';

/** Format of the checksums; increased when `rowSum` changes. */
const FORMAT = 2;
/** Number of rows compared at once. */
const COMPARED_ROWS = 256;
const PREFIX = 'sum_';
/** Columns that are never shown: user ids and secrets. */
const HIDDEN = ['user_id', 'secret', 'key'];

/** A table with checksums. */
interface SummedTable {
  readonly name: string;
  readonly columns: readonly string[];
  /** Columns that identify a row: the primary key, or all columns that are never NULL. */
  readonly key: readonly string[];
}

/**
 * Rebuilds the indexes if they do not match this version of the schema. If the process is killed during the rebuild,
 * the next process rebuilds them.
 */
export function keepSums(database: Connection): void {
  if (areCurrent(database)) return;
  const make = database.transaction(() => {
    // another process may have rebuilt the indexes while this process waited for the lock
    if (areCurrent(database)) return;
    removeSums(database);
    for (const table of summedTables(database)) database.exec(indexOf(table));
    database
      .prepare('INSERT OR REPLACE INTO schema_sum (one, version, format, sum) VALUES (1, @version, @format, @sum)')
      .run({ version: versionOf(database), format: FORMAT, sum: sumOfSchema(database) });
  });
  make.immediate();
}

/** Removes the indexes. Call this before migrations change tables. */
export function removeSums(database: Connection): void {
  const names = database
    .prepare(`SELECT name FROM sqlite_master WHERE type = 'index' AND name GLOB '${PREFIX}*'`)
    .pluck()
    .all() as string[];
  for (const name of names) database.exec(`DROP INDEX ${name}`);
}

/** Whether rows have checksums. Rows of an earlier version get checksums when a service opens the database. */
export function hasSums(database: Connection): boolean {
  return hasTable(database, 'schema_sum') && database.prepare('SELECT 1 FROM schema_sum').get() !== undefined;
}

/**
 * Compares all rows with their checksums; yields the number of rows of each slice. Safe while a service is running,
 * because a row and its checksum are read in one statement.
 */
export function* findDamagedRows(database: Connection): Generator<number, readonly DamagedRow[], void> {
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
      // the index does not find a row
      if (!isCorrupt(error)) throw error;
      damaged.push({ table: table.name, id: '' });
    }
  }
  return damaged;
}

/** Stored checksums of a table's damaged rows, by their current checksums. */
export function keptSums(database: Connection, name: string): ReadonlyMap<bigint, bigint> {
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

/**
 * A statement that finds a row by its primary key, and returns the row's name and whether the row is intact (0 or 1).
 */
export function selectOfRow(database: Connection, name: string) {
  const table = tableOf(database, name);
  const { columns, key } = table;
  return database.prepare(
    `SELECT ${KEPT_SUM}(${quoted(columns)}) = ${PRESENT_SUM}(${quoted(columns)}) AS isWhole,
       ${KEPT_SUM}(${quoted(columns)}) AS kept, ${shownOf(table)} AS shown
     FROM ${name} INDEXED BY ${PREFIX}${name} WHERE ${key.map((column) => `"${column}" = @${column}`).join(' AND ')}`,
  );
}

/** Whether a damaged row is still damaged. */
export function isDamaged(database: Connection, { table: name, id }: DamagedRow): boolean {
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

/** Describes, in sentences, faults outside the rows: an altered schema, and row numbers that would be reused. */
function schemaFaults(database: Connection): string[] {
  if (!hasSums(database)) return [];
  const kept = database.prepare('SELECT version, sum FROM schema_sum').get() as { version: number; sum: number };
  const faults = [];
  if (kept.version !== versionOf(database))
    faults.push(
      `the header says schema ${versionOf(database)}, but the database was written with schema ${kept.version}`,
    );
  if (kept.sum !== sumOfSchema(database)) faults.push('the schema was altered (its checksum differs)');
  for (const { name, key } of summedTables(database)) {
    const given = database.prepare('SELECT seq FROM sqlite_sequence WHERE name = @name').pluck().get({ name });
    if (given === undefined) continue;
    const highest = database.prepare(`SELECT max(${key[0]}) FROM ${name}`).pluck().get() as number | null;
    if ((highest ?? 0) > (given as number))
      faults.push(`table ${name} has a row with number ${highest}, but the last recorded number is ${given}`);
  }
  return faults;
}

/** Whether a line of `integrity_check` is about checksums of rows, which `findDamagedRows` reports. */
function isOfSums(line: string, tables: ReadonlySet<string>): boolean {
  const table = /\bindex sum_(\w+)$/.exec(line)?.[1];
  return table !== undefined && tables.has(table);
}

function areCurrent(database: Connection): boolean {
  if (!hasTable(database, 'schema_sum')) return true;
  const row = database.prepare('SELECT version, format FROM schema_sum').get() as
    | { version: number; format: number }
    | undefined;
  return row !== undefined && row.version === versionOf(database) && row.format === FORMAT;
}

function hasTable(database: Connection, name: string): boolean {
  const sql = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = @name";
  return database.prepare(sql).get({ name }) !== undefined;
}

/** All tables except internal tables of SQLite. */
function summedTables(database: Connection): SummedTable[] {
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

function tableOf(database: Connection, name: string): SummedTable {
  const table = summedTables(database).find((one) => one.name === name);
  assert(table !== undefined, `table ${name} has sums`);
  return table;
}

function indexOf({ name, columns, key }: SummedTable): string {
  return `CREATE INDEX ${PREFIX}${name} ON ${name} (${quoted(key)}, ${KEPT_SUM}(${quoted(columns)}))`;
}

function* slicesOf(
  database: Connection,
  table: SummedTable,
): Generator<readonly Record<string, unknown>[], void, void> {
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

/** SQL expression for the name of a row: text, or NULL. */
function shownOf({ columns, key }: SummedTable): string {
  const shown = columns.includes('id') ? ['id'] : key.filter((column) => !HIDDEN.includes(column));
  return shown.length === 0 ? 'NULL' : shown.map((column) => `CAST("${column}" AS TEXT)`).join(" || '/' || ");
}

/** The name of a row. If the key is hidden, the checksum is part of the name. */
export function nameOf({ shown, kept }: Readonly<Record<string, unknown>>): string {
  return shown === null ? `with sum ${(Number(kept) >>> 0).toString(16).padStart(8, '0')}` : String(shown);
}

function quoted(columns: readonly string[], between = ', '): string {
  return columns.map((column) => `"${column}"`).join(between);
}

export function isCorrupt(error: unknown): boolean {
  return error instanceof Sqlite.SqliteError && error.code.startsWith('SQLITE_CORRUPT');
}

/** The checksum of all statements of the schema; a copy made by VACUUM has the same checksum. */
function sumOfSchema(database: Connection): number {
  const rows = database
    .prepare("SELECT type, name, tbl_name, sql FROM sqlite_master WHERE name NOT GLOB 'sqlite_*' ORDER BY type, name")
    .raw()
    .all();
  return crc32(JSON.stringify(rows)) | 0;
}

/**
 * Describes, in sentences, the faults of a database of this version; empty if the database is intact. A service may be
 * running.
 */
export function databaseFaults(database: Connection): string[] {
  const damaged = drain(findDamagedRows(database));
  const tables = new Set(damaged.filter(({ id }) => id !== '').map(({ table }) => table));
  const rows = database.prepare('PRAGMA integrity_check').pluck().all() as string[];
  const lost = database.prepare('PRAGMA foreign_key_check').all() as { table: string; parent: string }[];
  return [
    ...damaged.map(describeRow),
    ...rows.filter((row) => row !== 'ok' && !isOfSums(row, tables)),
    ...schemaFaults(database),
    ...lost.map(({ table, parent }) => `a row of ${table} refers to a missing row of ${parent}`),
  ];
}

function describeRow({ table, id }: DamagedRow): string {
  const row = id === '' ? 'a row' : `row ${id}`;
  return `${row} of ${table} is damaged (its checksum differs): restore a backup, or compare the row with a backup`;
}
