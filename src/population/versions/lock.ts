/**
 * The two locks of a population folder, which all processes use: the writer's lock, held during a whole import, and the
 * erasure lock, held for milliseconds. An idle service holds neither lock.
 */
import { existsSync, mkdirSync, readdirSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '../../lib/errors.ts';
import { withStorage } from '../../lib/files/durable-files.ts';
import { awaitFileLock, awaitFileLockSync, tryFileLock } from '../../lib/files/file-lock.ts';

/**
 * Lock file of the writer, which is the process that adds, removes or copies versions or overwrites ids. The file is
 * empty and never removed.
 */
const WRITER_LOCK = 'writer.lock';
/** Lock file for adding erasure records and for making a version visible. */
const ERASURES_LOCK = 'erasures.lock';

/** Maximum wait for another writer: long enough for that writer to switch or remove a version, but not to import. */
const WRITER_WAIT_MS = 2_000;
/** Maximum wait for the erasure lock, which is normally held for milliseconds. */
const ERASURES_WAIT_MS = 30_000;
/** Maximum number of attempts to create the folder, because another writer may remove the folder at the same time. */
const FOLDER_ATTEMPTS = 3;

/** Runs `action` as the only writer of an existing folder. @throws AppError unavailable, storage_failed */
export async function asWriter<T>(folder: string, action: () => T | Promise<T>): Promise<T> {
  const release = held(await awaitFileLock(join(folder, WRITER_LOCK), WRITER_WAIT_MS), folder);
  try {
    return await action();
  } finally {
    release();
  }
}

/** Like `asWriter`, but synchronous and without waiting for another writer. */
export function asWriterSync<T>(folder: string, action: () => T): T {
  const release = held(tryFileLock(join(folder, WRITER_LOCK)), folder);
  try {
    return action();
  } finally {
    release();
  }
}

/** Like `asWriter`, but creates the folder if it does not exist, and removes the folder if it stays empty. */
export async function asFirstWriter<T>(folder: string, action: () => Promise<T>): Promise<T> {
  const isNew = !existsSync(folder);
  for (let attempt = 1; ; attempt++) {
    withStorage(`write ${folder}`, () => mkdirSync(folder, { recursive: true }));
    let hasBegun = false;
    try {
      return await asWriter(folder, async () => {
        hasBegun = true;
        try {
          return await action();
        } finally {
          if (isNew) removeUnused(folder);
        }
      });
    } catch (error) {
      if (hasBegun || attempt === FOLDER_ATTEMPTS || existsSync(folder)) throw error;
    }
  }
}

/**
 * Runs `action` under the erasure lock. @throws AppError unavailable (the lock was not released in time),
 * storage_failed
 */
export async function withErasuresLock<T>(folder: string, action: () => T): Promise<T> {
  const release = await awaitFileLock(join(folder, ERASURES_LOCK), ERASURES_WAIT_MS);
  return underErasuresLock(folder, release, action);
}

/** Like `withErasuresLock`, but blocks the thread while another process holds the lock. */
export function withErasuresLockSync<T>(folder: string, action: () => T): T {
  return underErasuresLock(folder, awaitFileLockSync(join(folder, ERASURES_LOCK), ERASURES_WAIT_MS), action);
}

function underErasuresLock<T>(folder: string, release: (() => void) | null, action: () => T): T {
  if (release === null)
    throw new AppError(
      'unavailable',
      `another process has held ${join(folder, ERASURES_LOCK)} for too long: try again`,
    );
  try {
    return action();
  } finally {
    release();
  }
}

function held(release: (() => void) | null, folder: string): () => void {
  if (release !== null) return release;
  throw new AppError(
    'unavailable',
    `another import, update, prune or backup of ${folder} is running: try again when it has finished`,
  );
}

/**
 * Removes a folder that contains only locks. A process that waits for such a lock will notice that the lock file was
 * removed.
 */
function removeUnused(folder: string): void {
  const locks = [WRITER_LOCK, ERASURES_LOCK];
  if (!readdirSync(folder).every((name) => locks.includes(name))) return;
  for (const name of locks) rmSync(join(folder, name), { force: true });
  try {
    rmdirSync(folder);
  } catch (error) {
    // another process has added a file
    if ((error as NodeJS.ErrnoException).code !== 'ENOTEMPTY') throw error;
  }
}
