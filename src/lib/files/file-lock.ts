/**
 * Locks between processes: SQLite's exclusive lock on an empty file. The operating system takes it back when a process
 * ends, however that is, and knows its holder in whatever PID namespace, container or thread that runs.
 */
import { randomInt, randomUUID } from 'node:crypto';
import { chmodSync, chownSync, linkSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import Sqlite from 'better-sqlite3';
import { AppError } from '../errors.ts';
import { withStorage } from './durable-files.ts';

/** Two who take a lock at the same moment may both be refused, although nobody has it: each tries again. */
const ATTEMPTS = 6;
const LONGEST_PAUSE_MS = 8;
/** Interval at which a waiter tries to take the lock. */
const POLL_MS = 10;

/** Holds locks that are never given back: they would otherwise be garbage-collected, and so released. */
const HELD = new Set<InstanceType<typeof Sqlite>>();

const SHARED_MODE = 0o666;
const READ_ONLY = /^SQLITE_(READONLY|PERM)/;

/**
 * Takes the lock of the file `path`, created where missing, in a folder that exists. Returns the function that gives it
 * back; null while another has it. The file stays, and stays empty. Whoever opened it otherwise and closed it would
 * lose the lock of the whole process (POSIX): nothing but this module may. @throws AppError storage_failed
 */
export function tryFileLock(path: string): (() => void) | null {
  for (let attempt = 1; ; attempt++) {
    const release = tryOnce(path);
    if (release !== null || attempt === ATTEMPTS) return release;
    // not all in step
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

/** Whether a process has the lock of the file, which exists. @throws AppError storage_failed */
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
    // the lock is all that matters: a journal would need room on a disk that may be full
    database.pragma('journal_mode = MEMORY');
    database.exec('BEGIN EXCLUSIVE');
    if (identityOf(path) !== before) {
      // it was removed meanwhile, and this is the lock of a file that nobody else finds
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
 * Makes the file if there is none, for the same users as its folder: those who share it may be several. It appears
 * complete, by `link`, so that no descriptor of it is ever closed but SQLite's. Which file it is.
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

/** Where there are no links, SQLite makes the file. */
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

/** Its number, and when it was made, as a number may be given again; null where there is no such file. */
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
    ? 'this user may not write it'
    : error.code === 'SQLITE_NOTADB'
      ? 'it is not empty, so no lock: remove it'
      : error.message;
  return new AppError('storage_failed', `cannot lock ${path}: ${why}`, { facts: { errno: error.code }, cause: error });
}
