/**
 * The two locks of a population folder, of all processes that share it: the writer's, for as long as an import takes,
 * and that of erasures, for milliseconds. An idle service holds neither.
 */
import { existsSync, mkdirSync, readdirSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '../../lib/errors.ts';
import { removeQuietly, withStorage } from '../../lib/files/durable-files.ts';
import { awaitFileLock, awaitFileLockSync, tryFileLock } from '../../lib/files/file-lock.ts';

/** Held by whoever adds, removes or copies versions, or overwrites ids. Empty, and never removed. */
const WRITER_LOCK = 'writer.lock';
/** Held by whoever adds records of erasures, and while a version becomes visible. */
const ERASURES_LOCK = 'erasures.lock';
/** Files of earlier releases, with process ids in them: they mean nothing any more. */
const FORMER_LOCKS = ['lock', 'erased.lock'];

/** What another writer may need to end: one that only makes a version current, or removes one, is as quick. */
const WRITER_WAIT_MS = 2_000;
/** Whoever holds the lock of erasures does so for milliseconds. */
const ERASURES_WAIT_MS = 30_000;
/** A folder that its last writer removed is made again. */
const FOLDER_ATTEMPTS = 3;

/** Runs `action` as the only writer of a folder that exists. @throws AppError unavailable, storage_failed */
export async function asWriter<T>(folder: string, action: () => T | Promise<T>): Promise<T> {
  const release = held(await awaitFileLock(join(folder, WRITER_LOCK), WRITER_WAIT_MS), folder);
  try {
    removeFormerLocks(folder);
    return await action();
  } finally {
    release();
  }
}

/** As `asWriter`, without a turn of the event loop, and so without waiting for another. */
export function asWriterSync<T>(folder: string, action: () => T): T {
  const release = held(tryFileLock(join(folder, WRITER_LOCK)), folder);
  try {
    removeFormerLocks(folder);
    return action();
  } finally {
    release();
  }
}

/** As `asWriter`, for a folder that is made where missing, and removed again if nothing came into it. */
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

/** Runs `action` under the lock of erasures. @throws AppError unavailable (it is held for too long), storage_failed */
export async function withErasuresLock<T>(folder: string, action: () => T): Promise<T> {
  const release = await awaitFileLock(join(folder, ERASURES_LOCK), ERASURES_WAIT_MS);
  return underErasuresLock(folder, release, action);
}

/** As `withErasuresLock`; blocks the thread while another has it. */
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
    `another import, update, prune or backup of ${folder} is running: try again when it has ended`,
  );
}

/** Removes a folder with nothing in it but locks. Whoever waits for one of them finds that it is another file then. */
function removeUnused(folder: string): void {
  const locks = [WRITER_LOCK, ERASURES_LOCK];
  if (!readdirSync(folder).every((name) => locks.includes(name))) return;
  for (const name of locks) rmSync(join(folder, name), { force: true });
  try {
    rmdirSync(folder);
  } catch (error) {
    // another has come in between
    if ((error as NodeJS.ErrnoException).code !== 'ENOTEMPTY') throw error;
  }
}

function removeFormerLocks(folder: string): void {
  for (const name of FORMER_LOCKS) removeQuietly(join(folder, name), { recursive: false });
}
