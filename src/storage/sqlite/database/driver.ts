/** Opens database connections, with the functions for row checksums. */

import { readFileSync, statSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import Sqlite from 'better-sqlite3';

/** Bound values of a statement, by name. */
export type Bound = Readonly<Record<string, string | number | null>>;

/** A connection whose statements bind only by name, so that a new column does not shift the values of other columns. */
export type Connection = Omit<Sqlite.Database, 'prepare'> & {
  prepare(sql: string): Sqlite.Statement<[parameters?: Bound]>;
};

/**
 * SQL function for the checksum of a row. SQLite stores the checksum in an index when the row is written, and later
 * reads the stored checksum.
 */
export const KEPT_SUM = 'row_sum';
/**
 * SQL function like `KEPT_SUM`, but under a name that no index uses, so that SQLite computes the checksum when the row
 * is read.
 */
export const PRESENT_SUM = 'row_sum_now';

/**
 * For each connection, the stored checksums of damaged rows by their current checksums. Empty except during `asKept`.
 */
const KEPT = new WeakMap<Connection, Map<bigint, bigint>>();

/** Opens a connection that can write rows with checksums. */
export function connect(source: string | Buffer, options: Sqlite.Options = {}): Connection {
  const database = new Sqlite(source, options);
  const kept = new Map<bigint, bigint>();
  KEPT.set(database, kept);
  const keptSum = (...values: readonly unknown[]) => {
    const sum = rowSum(...values);
    return kept.size === 0 ? sum : (kept.get(sum) ?? sum);
  };
  database.function(KEPT_SUM, { deterministic: true, varargs: true }, keptSum);
  database.function(PRESENT_SUM, { deterministic: true, varargs: true }, rowSum);
  // this setting lets the schema, which only the service writes, call functions of the service
  database.pragma('trusted_schema = ON');
  return database;
}

/**
 * Runs `action`. Meanwhile, `row_sum` returns the stored checksum of each of these damaged rows instead of the current
 * one.
 */
export function asKept<T>(database: Connection, keptOf: ReadonlyMap<bigint, bigint>, action: () => T): T {
  const kept = KEPT.get(database)!;
  for (const [present, sum] of keptOf) kept.set(present, sum);
  try {
    return action();
  } finally {
    kept.clear();
  }
}

/**
 * Returns the crc32 of the values, as a signed 4-byte integer. Columns of STRICT tables hold text, numbers below 2^53
 * and NULL.
 */
export function rowSum(...values: readonly unknown[]): bigint {
  let text = '';
  for (const value of values) {
    if (typeof value === 'string') text += `t${value.length}:${value}`;
    else text += value === null ? 'n' : `i${String(value)};`;
  }
  return BigInt(crc32(text) | 0);
}

/** Number of the last applied migration. */
export function versionOf(database: Connection): number {
  return Number(database.pragma('user_version', { simple: true }));
}

/**
 * Maximum size of a database that is read into memory. If a database has no log, SQLite would create files beside it
 * when reading it in place.
 */
const MAXIMUM_COPY_BYTES = 512 * 1024 * 1024;

/** The offset of the file format version in the header of a database. */
const FORMAT_AT = 18;
/** Value of the format version for a database without a log. */
const ROLLBACK_FORMAT = 1;

/**
 * Opens a database in memory; null if the database is too large. @throws SQLite's error if the file is not a database
 */
export function openUntouched(path: string): Connection | null {
  if (hasLog(path)) return connect(path, { readonly: true, fileMustExist: true });
  if (statSync(path).size > MAXIMUM_COPY_BYTES) return null;
  const bytes = readFileSync(path);
  bytes.fill(ROLLBACK_FORMAT, FORMAT_AT, FORMAT_AT + 2);
  return connect(bytes);
}

/** Whether a service is using the database, or has ended without closing it. */
export function hasLog(path: string): boolean {
  return (statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0) > 0;
}

export class Freshness {
  readonly #readDataVersion;
  #dataVersion = -1;
  /** Whether `data_version` was read in this turn of the event loop. */
  #isFresh = false;

  constructor(database: Connection) {
    this.#readDataVersion = database.prepare('PRAGMA data_version').pluck();
  }

  /**
   * A number that changes with the commits of other connections. The number is read at most once per turn of the event
   * loop, so a commit during a turn may become visible only in the next turn.
   */
  version(): number {
    if (this.#isFresh) return this.#dataVersion;
    this.#isFresh = true;
    setImmediate(() => {
      this.#isFresh = false;
    });
    this.#dataVersion = this.#readDataVersion.get() as number;
    return this.#dataVersion;
  }
}
