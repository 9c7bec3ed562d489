/**
 * Writes a file or folder beside its place until it is complete, under a random name with a lock that lasts as long as
 * the writer lives. The next writer to the same place removes what killed writers left.
 */
import { randomUUID } from 'node:crypto';
import { existsSync, renameSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { AppError } from '../errors.ts';
import { createFolder, listFolder, removeQuietly, storageError, withStorage } from './durable-files.ts';
import { tryFileLock } from './file-lock.ts';

const WRITING = '.writing-';
const ASIDE = '.old';
const LOCK = '.lock';
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
/** Just before a new lock is held, another writer may take the lock file for that of a killed writer. */
const ATTEMPTS = 10;

export interface TemporarySibling {
  /** The file or folder that the caller creates and renames to its place. */
  readonly path: string;
  /** Where to move what is being replaced: the next writer moves it back if the place is empty. */
  readonly aside: string;
  /** Removes what is left of the file or folder. Never throws. */
  release(): void;
}

/**
 * Claims a name beside `target` that nobody else has, in a folder that is created if missing, and removes what killed
 * writers of the same target left. Files of running writers stay, in any container. `doing` completes "cannot ..." in
 * the error.
 * @throws AppError storage_failed
 */
export function claimSibling(target: string, doing: string): TemporarySibling {
  withStorage(doing, () => {
    if (!existsSync(dirname(target))) createFolder(dirname(target));
  });
  return inWords(doing, () => {
    removeAbandoned(target);
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const path = `${target}${WRITING}${randomUUID()}`;
      const giveBack = tryFileLock(path + LOCK);
      if (giveBack === null) continue;
      return { path, aside: path + ASIDE, release: () => removeWith(path, giveBack) };
    }
    throw new AppError('storage_failed', `cannot ${doing}: no temporary name beside it could be locked`);
  });
}

/** Runs `write` with a claimed name; afterwards nothing is left under that name, whatever the outcome. */
export function withSibling<T>(target: string, doing: string, write: (sibling: TemporarySibling) => T): T {
  const sibling = claimSibling(target, doing);
  try {
    return write(sibling);
  } finally {
    sibling.release();
  }
}

/** The lock file is removed last: until then no other writer touches the rest. */
function removeWith(path: string, giveBack: () => void): void {
  removeQuietly(path);
  removeQuietly(path + ASIDE);
  removeQuietly(path + LOCK);
  giveBack();
}

function removeAbandoned(target: string): void {
  const folder = dirname(target);
  const start = `${basename(target)}${WRITING}`;
  for (const name of listFolder(folder)) {
    if (!name.startsWith(start) || !name.endsWith(LOCK)) continue;
    if (!UUID.test(name.slice(start.length, -LOCK.length))) continue;
    const path = join(folder, name.slice(0, -LOCK.length));
    const giveBack = tryFileLock(path + LOCK);
    if (giveBack === null) continue; // its writer is running
    // the writer was killed after moving the old version aside and before moving the new one into place
    if (!existsSync(target) && existsSync(path + ASIDE)) renameSync(path + ASIDE, target);
    removeWith(path, giveBack);
  }
}

/** Makes the error of a lock say what the caller was doing, in place of an internal file name. */
function inWords<T>(doing: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    const told = storageError(doing, error instanceof AppError ? error.cause : error);
    throw told instanceof AppError ? told : error;
  }
}
