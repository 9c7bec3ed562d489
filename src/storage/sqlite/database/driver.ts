/** Opens connections of the store, with the functions of row sums. */

import { readFileSync, statSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import Sqlite from 'better-sqlite3';

/** Values by the names that a statement has for them. */
export type Bound = Readonly<Record<string, string | number | null>>;

/** A connection. Its statements bind by name only, so that a new column does not shift the values of others. */
export type Database = Omit<Sqlite.Database, 'prepare'> & {
  prepare(sql: string): Sqlite.Statement<[parameters?: Bound]>;
};

/** The function whose value SQLite keeps in the index of a table: the checksum of a row as it was written. */
export const KEPT_SUM = 'row_sum';
/** The same function by a name that no index uses: the checksum of a row as it is read. */
export const PRESENT_SUM = 'row_sum_now';

/** Of each connection: the sums that rows which are damaged had, by those that they have. Empty but in `asKept`. */
const KEPT = new WeakMap<Database, Map<bigint, bigint>>();

/** Opens a connection that can write rows with checksums. */
export function connect(source: string | Buffer, options: Sqlite.Options = {}): Database {
  const database = new Sqlite(source, options);
  const kept = new Map<bigint, bigint>();
  KEPT.set(database, kept);
  const keptSum = (...values: readonly unknown[]) => {
    const sum = rowSum(...values);
    return kept.size === 0 ? sum : (kept.get(sum) ?? sum);
  };
  database.function(KEPT_SUM, { deterministic: true, varargs: true }, keptSum);
  database.function(PRESENT_SUM, { deterministic: true, varargs: true }, rowSum);
  // a schema that nobody but the service writes may call the service's functions
  database.pragma('trusted_schema = ON');
  return database;
}

/** Runs `action` while rows with one of these sums have, for their indexes, the one that was kept of them. */
export function asKept<T>(database: Database, keptOf: ReadonlyMap<bigint, bigint>, action: () => T): T {
  const kept = KEPT.get(database)!;
  for (const [present, sum] of keptOf) kept.set(present, sum);
  try {
    return action();
  } finally {
    kept.clear();
  }
}

/**
 * crc32 of the values (text, numbers below 2^53 and NULL, which columns of STRICT tables hold), as a signed integer
 * of 4 bytes.
 */
export function rowSum(...values: readonly unknown[]): bigint {
  let text = '';
  for (const value of values) {
    if (typeof value === 'string') text += `t${value.length}:${value}`;
    else text += value === null ? 'n' : `i${String(value)};`;
  }
  return BigInt(crc32(text) | 0);
}

/** The number of the last migration that was applied. */
export function versionOf(database: Database): number {
  return Number(database.pragma('user_version', { simple: true }));
}

/** A database without a log is read in memory: SQLite would make files beside it to read it where it is. */
const MAXIMUM_COPY_BYTES = 512 * 1024 * 1024;

/** Where the header of a database says by what it was written last. */
const FORMAT_AT = 18;
/** The format of a database without a log. */
const ROLLBACK_FORMAT = 1;

/** null where it is too large to be read in memory. @throws SQLite's errors: the file is no database */
export function openUntouched(path: string): Database | null {
  if (hasLog(path)) return connect(path, { readonly: true, fileMustExist: true });
  if (statSync(path).size > MAXIMUM_COPY_BYTES) return null;
  const bytes = readFileSync(path);
  bytes.fill(ROLLBACK_FORMAT, FORMAT_AT, FORMAT_AT + 2);
  return connect(bytes);
}

/** Whether a service runs on it, or ended without closing it. */
export function hasLog(path: string): boolean {
  return (statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0) > 0;
}

export class Freshness {
  readonly #readDataVersion;
  #dataVersion = -1;
  /** Whether it was read in this turn of the event loop. */
  #isFresh = false;

  constructor(database: Database) {
    this.#readDataVersion = database.prepare('PRAGMA data_version').pluck();
  }

  /**
   * A number that changes with the commits of other connections. Whoever learned of another process's commit, from an
   * answer of an earlier turn or from that process, asks in a later one.
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
