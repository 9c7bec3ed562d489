/** The folder of a mirror: its lock, its mark, and whether another process has changed it. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '../../lib/errors.ts';
import { ARRIVING_FOLDER } from '../../lib/files/disk-cache.ts';
import { withStorage } from '../../lib/files/durable-files.ts';
import { awaitFileLock } from '../../lib/files/file-lock.ts';
import { listVersions } from '../versions/manifest.ts';
import { readApplied, writeApplied } from './apply-index.ts';
import { HOLDERS_FOLDER } from './mirror-holders.ts';
import { isMirror, MIRROR_FILE } from './missing-file.ts';

/** Locked while the index is applied, and while a folder becomes a mirror. */
const LOCK = 'mirror.lock';
/** Files and folders that a mirror has in addition to those of a population folder. */
export const MIRROR_ONLY_FILES = [MIRROR_FILE, LOCK, ARRIVING_FOLDER, HOLDERS_FOLDER];
/** Maximum wait for another process that applies the index, which may have to fetch all tables. */
const LOCK_WAIT_MS = 10 * 60_000;

/** @throws AppError unavailable, storage_failed, and the errors of `action` */
export async function underLock<T>(folder: string, action: () => T | Promise<T>): Promise<T> {
  const path = join(folder, LOCK);
  const release = await awaitFileLock(path, LOCK_WAIT_MS);
  if (release === null) throw new AppError('unavailable', `another process has held ${path} for too long`);
  try {
    return await action();
  } finally {
    release();
  }
}

/** Refuses a folder in which imports run, because a mirror removes what is not published. */
export function requireNoOther(folder: string): void {
  if (isMirror(folder) || listVersions(folder).length === 0) return;
  throw new AppError('invalid_argument', `${folder} has versions of its own: give the mirror a folder of its own`);
}

export function markAsMirror(folder: string): void {
  if (!isMirror(folder)) writeApplied(folder, readApplied(folder));
}

/**
 * Identifies the applied index. The file is replaced at each change, so its stamp changes.
 * @throws AppError storage_failed
 */
export function stampOf(folder: string): string {
  const path = join(folder, MIRROR_FILE);
  const { ino, mtimeMs } = withStorage(`read ${path}`, () => statSync(path));
  return `${ino} ${mtimeMs}`;
}
