/** The lock of a data folder: one service at a time, for two would give away each other's jobs. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { AppError } from '../../lib/errors.ts';
import { createClosedFolder, withStorage } from '../../lib/files/durable-files.ts';
import { isFileLocked, tryFileLock } from '../../lib/files/file-lock.ts';

/** Empty: only the operating system's lock on it means something. */
export const LOCK_FILE = 'service.lock';

/**
 * Locks the data folder (created where missing) for this process; returns the function that unlocks it. A process that
 * dies, however that is, unlocks it too.
 * @throws AppError unavailable where another service has it; storage_failed.
 */
export function lockDataFolder(dataDir: string): () => void {
  const folder = resolve(dataDir);
  withStorage(`create data folder ${folder}`, () => createClosedFolder(folder));
  const release = tryFileLock(join(folder, LOCK_FILE));
  if (release !== null) return release;
  throw inUse(folder);
}

/** Looks only. @throws AppError unavailable where a service has the folder, as `lockDataFolder` does */
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
