/** Looks at a data folder beside a running service or without one, and changes nothing in it. */
import { closeSync, existsSync, openSync, readFileSync, readSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { KeyCounts, StoreContents, StoreInspection } from '../campaigns/ports/store.ts';
import { withStorage } from '../lib/durable-files.ts';
import { AppError, messageOf } from '../lib/errors.ts';
import { isFileLocked } from '../lib/file-lock.ts';
import { LOCK_FILE } from './data-folder-lock.ts';
import { DATABASE_FILE, type Database, databaseError, versionOf } from './database.ts';
import { connect } from './driver.ts';
import { migrationsFolder, readMigrations } from './migrations.ts';
import { findSaved } from './saved-database.ts';
import { listSetAside } from './set-aside.ts';
import { findStranded } from './stranded.ts';

/** A database without a log is checked in memory: SQLite would make files beside it to read it where it is. */
const MAXIMUM_COPY_BYTES = 512 * 1024 * 1024;

/** Where the header of a database says by what it was written last, and its `user_version`. */
const FORMAT_AT = 18;
const USER_VERSION_AT = 60;
const HEADER_BYTES = 100;
/** The format of a database without a log. */
const ROLLBACK_FORMAT = 1;

const KEYS = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'api_keys'";
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

function contentsOf(path: string, now: number): StoreContents {
  const sizeBytes = statSync(path).size;
  const newestVersion = readMigrations(migrationsFolder()).length;
  const facts = { newestVersion, sizeBytes, damage: null, isChecked: true, campaigns: 0, keys: null };
  const hasLog = (statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0) > 0;
  if (sizeBytes < HEADER_BYTES && !hasLog) {
    const damage = sizeBytes === 0 ? null : `it has ${sizeBytes} bytes, which is no database`;
    return { ...facts, version: 0, damage };
  }
  let database: Database | null = null;
  try {
    database = hasLog ? connect(path, { readonly: true, fileMustExist: true }) : copyInMemory(path, sizeBytes);
    if (database === null) return { ...facts, version: headerVersion(path), isChecked: false };
    const version = versionOf(database);
    const damage = findDamage(database);
    const isReadable = version > 0 && damage === null;
    const campaigns = isReadable ? countCampaigns(database) : 0;
    return { ...facts, version, damage, campaigns, keys: isReadable ? countKeys(database, now) : null };
  } catch (error) {
    const known = databaseError(path, error);
    if (known instanceof AppError && known.code === 'invalid_argument')
      return { ...facts, version: 0, damage: messageOf(error) };
    throw known;
  } finally {
    database?.close();
  }
}

/** null where it is too large. */
function copyInMemory(path: string, sizeBytes: number): Database | null {
  if (sizeBytes > MAXIMUM_COPY_BYTES) return null;
  const bytes = readFileSync(path);
  bytes.fill(ROLLBACK_FORMAT, FORMAT_AT, FORMAT_AT + 2);
  return connect(bytes);
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

function findDamage(database: Database): string | null {
  const answer = String(database.pragma('quick_check(1)', { simple: true }));
  if (answer !== 'ok') return answer;
  const isOurs = versionOf(database) === 0 || database.prepare(CAMPAIGNS).get() !== undefined;
  return isOurs ? null : 'it has no table of campaigns: another program wrote it';
}

/** null in a database from before there were keys. */
function countKeys(database: Database, now: number): KeyCounts | null {
  if (database.prepare(KEYS).get() === undefined) return null;
  const isFound = database.prepare("SELECT 1 FROM pragma_table_info('api_keys') WHERE name = 'expired_at'").get();
  const expired = isFound === undefined ? '' : 'AND expired_at IS NULL ';
  return database
    .prepare(
      `SELECT count(*) AS made, count(*) FILTER (WHERE valid) AS valid,
         count(*) FILTER (WHERE valid AND scope = 'admin') AS admin
       FROM (SELECT scope, revoked_at IS NULL ${expired}AND (expires_at IS NULL OR expires_at > @now) AS valid FROM api_keys)`,
    )
    .get({ now }) as KeyCounts;
}

function countCampaigns(database: Database): number {
  const { count } = database.prepare('SELECT count(*) AS count FROM campaigns').get() as { readonly count: number };
  return count;
}
