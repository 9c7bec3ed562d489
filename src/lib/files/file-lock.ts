/**
 * Locks between processes. A lock is SQLite's exclusive lock on an empty file. The operating system releases the lock
 * when the process ends for any reason, and the lock works across PID namespaces, containers and threads.
 */
import { randomInt, randomUUID } from 'node:crypto';
import { chmodSync, chownSync, linkSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import Sqlite from 'better-sqlite3';
import { AppError } from '../errors.ts';
import { withStorage } from './durable-files.ts';

/**
 * Number of tries. If two processes take a lock at the same moment, both may be refused although neither has the lock,
 * so each process tries again.
 */
const ATTEMPTS = 6;
const LONGEST_PAUSE_MS = 8;
/** Interval at which a waiting caller tries to take the lock. */
const POLL_MS = 10;

/**
 * Held locks. Without this reference, a lock that is never released explicitly would be garbage-collected and thereby
 * released.
 */
const HELD = new Set<InstanceType<typeof Sqlite>>();

const SHARED_MODE = 0o666;
const READ_ONLY = /^SQLITE_(READONLY|PERM)/;

/**
 * Takes the lock of the file `path`, which is created if it is missing. The folder must exist. Returns a function that
 * releases the lock; null if the lock is taken. The file stays, and stays empty. Only this module may open the file,
 * because POSIX releases a process's locks on a file when the process closes any descriptor of the file.
 * @throws AppError storage_failed
 */
export function tryFileLock(path: string): (() => void) | null {
  for (let attempt = 1; ; attempt++) {
    const release = tryOnce(path);
    if (release !== null || attempt === ATTEMPTS) return release;
    // the pause is random, so that callers do not stay synchronised
    pause(randomInt(1, LONGEST_PAUSE_MS));
  }
}

/** Like `tryFileLock`, but waits for up to `waitMs`, blocking the event loop. */
export function awaitFileLockSync(path: string, waitMs: number): (() => void) | null {
  for (let waited = 0; ; waited += POLL_MS) {
    const release = tryOnce(path);
    if (release !== null || waited >= waitMs) return release;
    pause(POLL_MS);
  }
}

/** Like `tryFileLock`, but waits for up to `waitMs`. */
export async function awaitFileLock(path: string, waitMs: number): Promise<(() => void) | null> {
  for (let waited = 0; ; waited += POLL_MS) {
    const release = tryOnce(path);
    if (release !== null || waited >= waitMs) return release;
    await sleep(POLL_MS);
  }
}

/**
 * Whether any process holds the lock of an existing file.
 * @throws AppError storage_failed
 */
export function isFileLocked(path: string): boolean {
  let database: InstanceType<typeof Sqlite> | undefined;
  try {
    database = new Sqlite(path, { timeout: 0, readonly: true, fileMustExist: true });
    database.prepare('SELECT 1 FROM sqlite_master').get();
    return false;
  } catch (error) {
    if (isBusy(error)) return true;
    throw lockError(path, error);
  } finally {
    database?.close();
  }
}

function tryOnce(path: string): (() => void) | null {
  let database: InstanceType<typeof Sqlite> | undefined;
  try {
    const before = createLockFile(path);
    database = new Sqlite(path, { timeout: 0 });
    // only the lock matters, and a journal file would need space on a disk that may be full
    database.pragma('journal_mode = MEMORY');
    database.exec('BEGIN EXCLUSIVE');
    if (identityOf(path) !== before) {
      // the file was removed in the meantime, so no other process can find the locked file
      database.close();
      return null;
    }
  } catch (error) {
    database?.close();
    if (isBusy(error)) return null;
    throw lockError(path, error);
  }
  const lock = database;
  HELD.add(lock);
  return () => {
    HELD.delete(lock);
    lock.close();
  };
}

/**
 * Creates the lock file if it does not exist, and returns its identity. The file gets the permissions of its folder,
 * because several users may share it. The file is made under another name and then linked to `path`, so that only
 * SQLite ever closes a descriptor of `path`.
 */
function createLockFile(path: string): string {
  const found = identityOf(path);
  if (found !== null) return found;
  const temporary = `${path}.${randomUUID()}`;
  withStorage(`make ${path}`, () => {
    const { mode, uid, gid } = statSync(dirname(path));
    try {
      writeFileSync(temporary, '', { flag: 'wx' });
      chmodSync(temporary, mode & SHARED_MODE);
      if (process.getuid?.() === 0) chownSync(temporary, uid, gid);
      linkOrAppear(temporary, path);
    } finally {
      rmSync(temporary, { force: true });
    }
  });
  return identityOf(path) ?? '';
}

/** Links `from` to `to`. If the file system does not support links, SQLite creates the file. */
function linkOrAppear(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return;
    if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'EOPNOTSUPP' && code !== 'ENOSYS') throw error;
    new Sqlite(to, { timeout: 0 }).close();
  }
}

/**
 * The identity of a file: device, inode and creation time (because inodes are reused); null if there is no such file.
 */
function identityOf(path: string): string | null {
  const stat = statSync(path, { throwIfNoEntry: false, bigint: true });
  return stat === undefined ? null : `${stat.dev} ${stat.ino} ${stat.birthtimeNs}`;
}

function pause(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

function isBusy(error: unknown): boolean {
  return error instanceof Sqlite.SqliteError && error.code.startsWith('SQLITE_BUSY');
}

function lockError(path: string, error: unknown): unknown {
  if (!(error instanceof Sqlite.SqliteError)) return error;
  const why = READ_ONLY.test(error.code)
    ? 'this user may not write to the file'
    : error.code === 'SQLITE_NOTADB'
      ? 'the file is not empty, so it is not a lock file; remove it'
      : error.message;
  return new AppError('storage_failed', `cannot lock ${path}: ${why}`, { facts: { errno: error.code }, cause: error });
}
