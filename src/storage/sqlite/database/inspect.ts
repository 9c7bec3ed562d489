/** Inspects a data folder without changing it, whether or not a service is running. */
import { closeSync, existsSync, openSync, readSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { KeyCounts, StoreContents, StoreInspection } from '../../../domain/ports/store.ts';
import { AppError, messageOf } from '../../../lib/errors.ts';
import { storageError, withStorage } from '../../../lib/files/durable-files.ts';
import { isFileLocked } from '../../../lib/files/file-lock.ts';
import { COUNT_KEYS } from '../../sql/api-keys.ts';
import { findStranded, LOCK_FILE, refuseLost } from './data-folder.ts';
import {
  type Connection,
  DATABASE_FILE,
  databaseError,
  MIGRATIONS_FOLDER,
  newerVersion,
  readMigrations,
  versionOf,
} from './database.ts';
import { findSaved } from './database-files.ts';
import { hasLog, openUntouched } from './driver.ts';
import { listSetAside } from './folder-mark.ts';
import { databaseFaults } from './row-sums.ts';

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
