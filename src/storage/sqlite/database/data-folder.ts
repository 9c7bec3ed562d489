/**
 * Detects a data folder whose database is missing. An empty database must not replace the missing database, because an
 * empty database would not know the files. Inspects a data folder without changing it.
 */
import { closeSync, existsSync, openSync, readFileSync, readSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { KeyCounts, StoreContents, StoreInspection } from '../../../domain/ports/store.ts';
import { RANKINGS } from '../../../domain/ranking-name.ts';
import { AppError, messageOf } from '../../../lib/errors.ts';
import { createClosedFolder, storageError, withStorage } from '../../../lib/files/durable-files.ts';
import { isFileLocked, tryFileLock } from '../../../lib/files/file-lock.ts';
import { counted } from '../../../lib/text/counted.ts';
import { SEED_FOLDER } from '../../files/set-file.ts';
import { COUNT_KEYS } from '../../sql/api-keys.ts';
import { storedFiles } from '../orphans.ts';
import {
  type Connection,
  DATABASE_FILE as DATABASE,
  DATABASE_FILE,
  databaseError,
  MIGRATIONS_FOLDER,
  newerVersion,
  readMigrations,
  versionOf,
} from './database.ts';
import { findSaved, refuseUntilTaken } from './database-files.ts';
import { hasLog, openUntouched } from './driver.ts';
import { listMarks, listSetAside, setAside } from './folder-mark.ts';
import { databaseFaults } from './row-sums.ts';

const LOG_FILES = [`${DATABASE}-wal`, `${DATABASE}-shm`];
/** The file that records the served model; `base` is null until a service has started in the folder. */
const SERVED_MODELS = 'models/served.json';

/** Describes the contents of a data folder with a missing or empty database; null if the folder has no contents. */
function findStranded(dataDir: string): string | null {
  // the contents are checked before the database, because a process that creates a folder creates the database first
  const found = artefactsOf(dataDir);
  return found.length === 0 || hasDatabase(dataDir) ? null : found.join(', ');
}

/** The database of an existing data folder. @throws AppError invalid_argument */
export function databaseOf(dataDir: string): string {
  refuseStranded(dataDir);
  const file = join(dataDir, DATABASE);
  if (existsSync(file)) return file;
  throw new AppError('invalid_argument', `${dataDir} is not the data folder of a service: it has no ${DATABASE}`);
}

/**
 * Checks that the folder can be used. @throws AppError invalid_argument if there are files without their database, or
 * if a saved database has not been put back yet
 */
export function refuseStranded(dataDir: string): void {
  refuseUntilTaken(dataDir);
  refuseLost(dataDir);
}

/** Checks that the database is not lost. @throws AppError invalid_argument if there are files without their database */
function refuseLost(dataDir: string): void {
  const found = findStranded(dataDir);
  if (found === null) return;
  throw new AppError(
    'invalid_argument',
    `data folder ${dataDir} has lost its database: ${DATABASE} is ` +
      `${existsSync(join(dataDir, DATABASE)) ? 'empty' : 'missing'}, and there are ${found}. ` +
      `Put ${DATABASE} back, or restore a backup into another folder ` +
      '(metaheac restore BACKUP --to DIR). To start with an empty database, run serve once with --adopt: ' +
      'the existing files are set aside, not removed',
  );
}

/**
 * Sets aside files whose database is missing, so that an empty database can be created. If there are no such files, or
 * if the database exists, nothing happens. Promoted models stay, because they do not depend on the database. Returns
 * the folder of the files that were set aside, relative to the data folder.
 * @throws AppError storage_failed
 */
export function adoptDataFolder(dataDir: string, now: number): string | null {
  if (findStranded(dataDir) === null) return null;
  return setAside(dataDir, [SEED_FOLDER, RANKINGS, DATABASE, ...LOG_FILES, ...listMarks(dataDir)], now);
}

function hasDatabase(dataDir: string): boolean {
  return (statSync(join(dataDir, DATABASE), { throwIfNoEntry: false })?.size ?? 0) > 0;
}

function artefactsOf(dataDir: string): string[] {
  return withStorage(`read ${dataDir}`, () => {
    const files = storedFiles(dataDir);
    const sets = files.filter(({ kind }) => kind === 'set').length;
    const rankings = files.length - sets;
    const log = statSync(join(dataDir, `${DATABASE}-wal`), { throwIfNoEntry: false })?.size ?? 0;
    return [
      ...(rankings > 0 ? [counted(rankings, 'ranking')] : []),
      ...(sets > 0 ? [counted(sets, 'user set')] : []),
      ...(log > 0 ? [`a log of ${log} bytes (${DATABASE}-wal)`] : []),
      ...(areModelsServed(dataDir) ? ['promoted models'] : []),
      ...listMarks(dataDir).map((name) => `the database marker (${name})`),
    ];
  });
}

/** Whether promoted models show that there was a database. Models that were promoted before the first start do not. */
function areModelsServed(dataDir: string): boolean {
  const path = join(dataDir, SERVED_MODELS);
  if (!existsSync(path)) return false;
  try {
    return (JSON.parse(readFileSync(path, 'utf8')) as { readonly base?: unknown }).base !== null;
  } catch {
    // a later read of the models reports what is wrong with the file
    return false;
  }
}

/** Name of the lock file, which is empty. */
export const LOCK_FILE = 'service.lock';

/**
 * Locks the data folder for this process; creates the folder if it is missing. The returned function unlocks the
 * folder. The folder is also unlocked when the process ends for any reason. @throws AppError unavailable if another
 * service has locked the folder; storage_failed
 */
export function lockDataFolder(dataDir: string): () => void {
  const folder = resolve(dataDir);
  withStorage(`create data folder ${folder}`, () => createClosedFolder(folder));
  const release = tryFileLock(join(folder, LOCK_FILE));
  if (release !== null) return release;
  throw inUse(folder);
}

/**
 * Checks that no service has locked the folder, without taking the lock. @throws AppError unavailable, like
 * `lockDataFolder`
 */
export function requireFree(dataDir: string): void {
  const folder = resolve(dataDir);
  const lock = join(folder, LOCK_FILE);
  if (existsSync(lock) && isFileLocked(lock)) throw inUse(folder);
}

function inUse(folder: string): AppError {
  return new AppError(
    'unavailable',
    `data folder ${folder} is in use by another metaheac serve: stop that process first, or use another folder`,
  );
}

/** The offset of `user_version` in the header of a database. */
const USER_VERSION_AT = 60;
const HEADER_BYTES = 100;

const CAMPAIGNS = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'campaigns'";

/** @throws AppError storage_failed */
export function inspectDataFolder(dataDir: string, now: number): StoreInspection {
  const folder = resolve(dataDir);
  const lock = join(folder, LOCK_FILE);
  const path = join(folder, DATABASE_FILE);
  return withStorage(`read ${folder}`, () => ({
    isTaken: existsSync(lock) && isFileLocked(lock),
    contents: existsSync(path) ? contentsOf(path, now) : null,
    stranded: findStranded(folder),
    saved: findSaved(folder),
    setAside: listSetAside(folder),
  }));
}

/**
 * Throws if `openStore` would refuse the data folder, that is, if the database is missing, is not a database, or has a
 * newer version. Nothing is migrated or changed.
 * @throws AppError invalid_argument, storage_failed
 */
export function requireUsable(dataDir: string): void {
  const folder = resolve(dataDir);
  refuseLost(folder);
  const path = join(folder, DATABASE_FILE);
  if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) === 0) return;
  let database: Connection | null = null;
  try {
    database = openUntouched(path);
    const known = readMigrations(MIGRATIONS_FOLDER).length;
    const version = database === null ? headerVersion(path) : versionOf(database);
    if (version > known) throw newerVersion(path, version, known);
    // this read of the first page shows whether the file is a database
    database?.prepare('SELECT count(*) FROM sqlite_master').get();
  } catch (error) {
    throw storageError(`open data folder ${folder}`, databaseError(path, error));
  } finally {
    database?.close();
  }
}

function contentsOf(path: string, now: number): StoreContents {
  const found = statSync(path);
  if (!found.isFile()) throw new AppError('storage_failed', `${path} is not a file`);
  const sizeBytes = found.size;
  const newestVersion = readMigrations(MIGRATIONS_FOLDER).length;
  const facts = { newestVersion, sizeBytes, damage: null, faults: [], isChecked: true, campaigns: 0, keys: null };
  if (sizeBytes < HEADER_BYTES && !hasLog(path)) {
    const damage = sizeBytes === 0 ? null : `the file has ${sizeBytes} bytes, too few for a database`;
    return { ...facts, version: 0, damage };
  }
  let database: Connection | null = null;
  try {
    database = openUntouched(path);
    if (database === null) return { ...facts, version: headerVersion(path), isChecked: false };
    const version = versionOf(database);
    const damage = findDamage(database);
    const isReadable = version > 0 && damage === null;
    const campaigns = isReadable ? countCampaigns(database) : 0;
    // these checks need the tables of this version
    const faults = isReadable && version === newestVersion ? databaseFaults(database) : [];
    return { ...facts, version, damage, faults, campaigns, keys: isReadable ? countKeys(database, now) : null };
  } catch (error) {
    const known = databaseError(path, error);
    if (known instanceof AppError && known.code === 'invalid_argument')
      return { ...facts, version: 0, damage: messageOf(error) };
    throw known;
  } finally {
    database?.close();
  }
}

function headerVersion(path: string): number {
  const descriptor = openSync(path, 'r');
  try {
    const header = Buffer.alloc(HEADER_BYTES);
    readSync(descriptor, header, 0, HEADER_BYTES, 0);
    return header.readUInt32BE(USER_VERSION_AT);
  } finally {
    closeSync(descriptor);
  }
}

function findDamage(database: Connection): string | null {
  const answer = String(database.pragma('quick_check(1)', { simple: true }));
  if (answer !== 'ok') return answer;
  const isOurs = versionOf(database) === 0 || database.prepare(CAMPAIGNS).get() !== undefined;
  return isOurs ? null : 'the database has no campaigns table, so another program wrote it';
}

function countKeys(database: Connection, now: number): KeyCounts {
  return database.prepare(COUNT_KEYS).get({ now }) as KeyCounts;
}

function countCampaigns(database: Connection): number {
  const { count } = database.prepare('SELECT count(*) AS count FROM campaigns').get() as { readonly count: number };
  return count;
}
