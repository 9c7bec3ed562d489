/** Opens and migrates the database, and runs transactions on SQLite's own structures. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { AppError, assert, messageOf } from '../../../lib/errors.ts';
import { PACKAGE_ROOT } from '../../../lib/package-root.ts';
import { type Connection, connect, versionOf } from './driver.ts';
import { keepSums, removeSums } from './row-sums.ts';

export { type Connection, versionOf } from './driver.ts';

/**
 * Maximum time that a write waits for another process to finish writing. Transactions are short, so this limit is
 * generous.
 */
export const BUSY_TIMEOUT_MS = 5000;
/** Maximum number of attempts to switch a new database to WAL; the busy timeout does not apply to this switch. */
const WAL_ATTEMPTS = 250;
const WAL_PAUSE_MS = 20;

/** SQLite's error codes for a full disk. */
export const FULL_DISK: ReadonlySet<string> = new Set(['SQLITE_FULL', 'SQLITE_IOERR_WRITE', 'SQLITE_IOERR_SHMSIZE']);

/** Name of the database file in a data folder. */
export const DATABASE_FILE = 'metaheac.db';

/**
 * Opens (or creates) the database and migrates it to the newest schema. Several processes may open it at once. An
 * acknowledged commit is on disk (`synchronous=FULL`).
 * @throws AppError invalid_argument: not a SQLite database, or written by a newer version; storage_failed: the disk
 * failed
 */
export function openDatabase(path: string, migrations = readMigrations(MIGRATIONS_FOLDER)): Connection {
  let database: Connection | undefined;
  try {
    database = connect(path, { timeout: BUSY_TIMEOUT_MS });
    switchToWal(database);
    database.pragma('synchronous = FULL');
    database.pragma('foreign_keys = ON');
    // overwrites deleted content, because an erased user's id must not stay in free space
    database.pragma('secure_delete = ON');
    migrate(database, path, migrations);
    keepSums(database);
    return database;
  } catch (error) {
    database?.close();
    throw databaseError(path, error);
  }
}

/**
 * Opens an existing database of this version for reading, even while a service is writing to it. Each statement reads
 * the state that was committed when the statement began.
 * @throws AppError invalid_argument: not a SQLite database, or a database of a different version; storage_failed: the
 * disk failed
 */
export function openForReading(path: string, migrations = readMigrations(MIGRATIONS_FOLDER)): Connection {
  let database: Connection | undefined;
  try {
    database = openReader(path);
    const version = versionOf(database);
    if (version > migrations.length) throw newerVersion(path, version, migrations.length);
    if (version < migrations.length)
      throw new AppError(
        'invalid_argument',
        `${path} was written by an older version (schema ${version}, this version reads ${migrations.length}): ` +
          'start a service of this version once to migrate it',
      );
    return database;
  } catch (error) {
    database?.close();
    throw databaseError(path, error);
  }
}

/**
 * Runs `work` in one `BEGIN IMMEDIATE` transaction, for SQLite's own structures: migrations, checksums, marks. When
 * this function returns, everything is committed; if it throws, nothing is.
 * @throws AppError storage_failed (disk full, read-only, I/O error), unavailable (another process writes for too long)
 */
export function write<T>(database: Connection, work: () => T): T {
  try {
    return database.transaction(work).immediate();
  } catch (error) {
    throw writeError(database.name, error);
  }
}

/** The error of a write transaction. */
export function writeError(path: string, error: unknown): unknown {
  return damageError(path, error) ?? databaseError(path, error);
}

/** The error of a statement that reads. */
export function readError(path: string, error: unknown): unknown {
  return isBusy(error) ? databaseError(path, error) : error;
}

/** Opens a connection that reads an existing database of any version. */
export function openReader(path: string): Connection {
  return connect(path, { timeout: BUSY_TIMEOUT_MS, readonly: true, fileMustExist: true });
}

/** The error for a write to a damaged row, which SQLite does not find in an index. */
function damageError(path: string, error: unknown): AppError | null {
  if (!(error instanceof Sqlite.SqliteError) || !error.code.startsWith('SQLITE_CORRUPT')) return null;
  const message = `a row of ${path} is damaged and cannot be changed (metaheac verify names the row): ${error.message}`;
  return new AppError('database_damaged', message, { cause: error });
}

/**
 * Checkpoints and truncates the write-ahead log, which also contains deleted content. Returns false if another
 * connection is reading the log.
 * @throws AppError storage_failed
 */
export function truncateLog(database: Connection): boolean {
  try {
    return database.pragma('wal_checkpoint(TRUNCATE)', { simple: true }) === 0;
  } catch (error) {
    throw databaseError(database.name, error);
  }
}

function switchToWal(database: Connection): void {
  for (let attempt = 1; ; attempt++) {
    try {
      assert(database.pragma('journal_mode = WAL', { simple: true }) === 'wal', 'the database is in WAL mode');
      return;
    } catch (error) {
      if (!isBusy(error) || attempt === WAL_ATTEMPTS) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, WAL_PAUSE_MS);
    }
  }
}

/**
 * Applies missing migrations. Each migration runs in its own transaction, which also sets `user_version` to the
 * migration's number. For a new database, all migrations run in one transaction, which waits for the disk only once.
 */
function migrate(database: Connection, path: string, migrations: readonly Migration[]): void {
  const version = versionOf(database);
  if (version > migrations.length) throw newerVersion(path, version, migrations.length);
  if (version === migrations.length) return;
  const complete = () => {
    // migrations change tables with checksums; the indexes are rebuilt afterwards
    write(database, () => removeSums(database));
    for (const migration of migrations.slice(version)) write(database, () => apply(database, path, migration));
  };
  if (version === 0) write(database, complete);
  else complete();
}

function apply(database: Connection, path: string, migration: Migration): void {
  // Applies a migration, unless another process has applied it while this process waited for the lock.
  if (versionOf(database) >= migration.number) return;
  try {
    database.exec(migration.sql);
  } catch (error) {
    const fault = databaseError(path, error);
    if (fault !== error) throw fault;
    throw new Error(`migration ${migration.name} failed: ${messageOf(error)}`, { cause: error });
  }
  database.pragma(`user_version = ${migration.number}`);
}

/** The error for a database of a newer version, which this version cannot migrate back. */
export function newerVersion(path: string, version: number, known: number): AppError {
  return new AppError(
    'invalid_argument',
    `${path} was written by a newer version (schema ${version}, this version knows ${known})`,
  );
}

export function isBusy(error: unknown): boolean {
  return error instanceof Sqlite.SqliteError && error.code.startsWith('SQLITE_BUSY');
}

/**
 * Converts SQLite errors caused by the environment into AppErrors. An error that is a bug (a constraint, a syntax
 * error) is returned unchanged.
 */
export function databaseError(path: string, error: unknown): unknown {
  if (!(error instanceof Sqlite.SqliteError)) return error;
  if (isBusy(error)) return new AppError('unavailable', `${path} is busy: ${error.message}`, { cause: error });
  if (/^SQLITE_(FULL|READONLY|IOERR|CANTOPEN|PERM)/.test(error.code)) {
    // SQLite reports a full disk as an I/O error if there is no space for shared memory
    const why = FULL_DISK.has(error.code) ? 'the disk is full' : error.message;
    return new AppError('storage_failed', `cannot use ${path}: ${why}`, {
      facts: { errno: error.code },
      cause: error,
    });
  }
  if (/^SQLITE_(NOTADB|CORRUPT)/.test(error.code)) {
    return new AppError('invalid_argument', `${path} is not an intact SQLite database: ${error.message}`, {
      cause: error,
    });
  }
  return error;
}

export interface Migration {
  readonly number: number;
  readonly name: string;
  readonly sql: string;
}

/**
 * Reads the migrations of a folder in order. A gap, a repetition or an unexpected file name is a bug in this version.
 */
export function readMigrations(folder: string): readonly Migration[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.sql'))
    .sort()
    .map((name, i) => {
      const number = Number(/^(\d{4})-[a-z0-9-]+\.sql$/.exec(name)?.[1]);
      assert(number === i + 1, `migration ${name} is not number ${i + 1}`);
      return { number, name, sql: readFileSync(join(folder, name), 'utf8') };
    });
}

/** Folder of the migrations of this version. */
export const MIGRATIONS_FOLDER = join(PACKAGE_ROOT, 'migrations', 'sqlite');
