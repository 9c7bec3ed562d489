/**
 * Detects a data folder whose database is gone: an empty database must not take its place, because it would know none
 * of the files.
 */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { RANKINGS } from '../../../domain/ranking-name.ts';
import { AppError } from '../../../lib/errors.ts';
import { createClosedFolder, withStorage } from '../../../lib/files/durable-files.ts';
import { isFileLocked, tryFileLock } from '../../../lib/files/file-lock.ts';
import { counted } from '../../../lib/text/counted.ts';
import { SEED_FOLDER } from '../../files/set-file.ts';
import { storedFiles } from '../../files/stored-files.ts';
import { DATABASE_FILE as DATABASE } from './database.ts';
import { refuseUntilTaken } from './database-files.ts';
import { listMarks, setAside } from './folder-mark.ts';

const LOG_FILES = [`${DATABASE}-wal`, `${DATABASE}-shm`];
/** The file that says which promoted model is served; `base` is null until a service has started there. */
const SERVED_MODELS = 'models/served.json';

/** The contents of a data folder that has no database or an empty one, in words; null if there are none. */
export function findStranded(dataDir: string): string | null {
  // checked before the database: a process that is creating a folder creates the database first
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
 * @throws AppError invalid_argument if there are files but no database that knows them, or if a saved database is not
 * back in its place yet
 */
export function refuseStranded(dataDir: string): void {
  refuseUntilTaken(dataDir);
  refuseLost(dataDir);
}

/** @throws AppError invalid_argument if there are files but no database that knows them */
export function refuseLost(dataDir: string): void {
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
 * Sets aside the files of a database that is gone, so that an empty one can be created; does nothing if there is a
 * database or no such files. Promoted models stay, because they do not depend on the database. Returns the folder,
 * relative to the data folder.
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
      ...listMarks(dataDir).map((name) => `the mark of a database (${name})`),
    ];
  });
}

/** Models that were promoted before any service started do not mean that there was a database. */
function areModelsServed(dataDir: string): boolean {
  const path = join(dataDir, SERVED_MODELS);
  if (!existsSync(path)) return false;
  try {
    return (JSON.parse(readFileSync(path, 'utf8')) as { readonly base?: unknown }).base !== null;
  } catch {
    // reading the models reports what is wrong with the file
    return false;
  }
}

/** An empty file: only the lock on it matters. */
export const LOCK_FILE = 'service.lock';

/**
 * Locks the data folder (created if missing) for this process; returns the function that unlocks it. The end of the
 * process, for any reason, unlocks it too.
 * @throws AppError unavailable if another service has it; storage_failed
 */
export function lockDataFolder(dataDir: string): () => void {
  const folder = resolve(dataDir);
  withStorage(`create data folder ${folder}`, () => createClosedFolder(folder));
  const release = tryFileLock(join(folder, LOCK_FILE));
  if (release !== null) return release;
  throw inUse(folder);
}

/**
 * Checks without taking the lock.
 * @throws AppError unavailable if a service has locked the folder, as `lockDataFolder` does
 */
export function requireFree(dataDir: string): void {
  const folder = resolve(dataDir);
  const lock = join(folder, LOCK_FILE);
  if (existsSync(lock) && isFileLocked(lock)) throw inUse(folder);
}

function inUse(folder: string): AppError {
  return new AppError(
    'unavailable',
    `data folder ${folder} is in use by another metaheac serve: stop that one first, or take another folder`,
  );
}
