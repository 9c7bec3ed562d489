/**
 * Writes a file or folder under a random name beside its destination until the file or folder is complete. The writer
 * holds a lock for this name while it runs. The next writer to the same destination removes what killed writers left
 * behind.
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
/**
 * Number of tries to claim a name. Before a writer holds its new lock, another writer may mistake the lock file for one
 * that a killed writer left behind.
 */
const ATTEMPTS = 10;

export interface TemporarySibling {
  /** The path of the file or folder that the caller creates and renames to its destination. */
  readonly path: string;
  /**
   * The path to which the caller moves the file or folder that is being replaced. If the destination is empty, the next
   * writer moves the old file or folder back.
   */
  readonly aside: string;
  /** Removes the remains of the temporary file or folder. Never throws. */
  release(): void;
}

/**
 * Claims a unique name beside `target`, and removes what killed writers of the same target left behind. Files of
 * running writers stay, even of writers in other containers. The folder is created if it is missing, unless
 * `createsFolder` is false. `doing` completes "cannot ..." in the error message.
 * @throws AppError storage_failed
 */
export function claimSibling(
  target: string,
  doing: string,
  { createsFolder = true }: { readonly createsFolder?: boolean } = {},
): TemporarySibling {
  withStorage(doing, () => {
    if (createsFolder && !existsSync(dirname(target))) createFolder(dirname(target));
  });
  return inWords(doing, () => {
    removeAbandoned(target);
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const path = `${target}${WRITING}${randomUUID()}`;
      const giveBack = tryFileLock(path + LOCK);
      if (giveBack === null) continue;
      return { path, aside: path + ASIDE, release: () => removeWith(path, giveBack) };
    }
    throw new AppError('storage_failed', `cannot ${doing}: no temporary name in the folder could be locked`);
  });
}

/** Runs `write` with a claimed name. Afterwards, nothing is left under this name, even if `write` throws. */
export function withSibling<T>(
  target: string,
  doing: string,
  write: (sibling: TemporarySibling) => T,
  options: { readonly createsFolder?: boolean } = {},
): T {
  const sibling = claimSibling(target, doing, options);
  try {
    return write(sibling);
  } finally {
    sibling.release();
  }
}

/** the lock file is removed last, because until then no other writer touches the other files */
function removeWith(path: string, giveBack: () => void): void {
  removeQuietly(path);
  removeQuietly(path + ASIDE);
  removeQuietly(path + LOCK);
  giveBack();
}

/**
 * Removes what killed writers of any file in `folder` left behind. The files of running writers stay.
 * @throws AppError storage_failed
 */
export function removeAbandonedSiblings(folder: string): void {
  for (const { target, path } of siblingsIn(folder)) removeIfAbandoned(join(folder, target), path);
}

function removeAbandoned(target: string): void {
  for (const sibling of siblingsIn(dirname(target)))
    if (sibling.target === basename(target)) removeIfAbandoned(target, sibling.path);
}

/**
 * The names that are or were claimed in a folder. Each entry has the name of the target, and the path without the
 * lock's suffix.
 */
function siblingsIn(folder: string): { readonly target: string; readonly path: string }[] {
  return listFolder(folder).flatMap((name) => {
    const at = name.lastIndexOf(WRITING);
    if (at < 0 || !name.endsWith(LOCK) || !UUID.test(name.slice(at + WRITING.length, -LOCK.length))) return [];
    return [{ target: name.slice(0, at), path: join(folder, name.slice(0, -LOCK.length)) }];
  });
}

function removeIfAbandoned(target: string, path: string): void {
  const giveBack = tryFileLock(path + LOCK);
  if (giveBack === null) return; // the writer of the sibling is running
  // the writer was killed after it moved the old version aside and before it moved the new version into place
  if (!existsSync(target) && existsSync(path + ASIDE)) renameSync(path + ASIDE, target);
  removeWith(path, giveBack);
}

/** Converts a lock error into an error that says what the caller was doing, without an internal file name. */
function inWords<T>(doing: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    const told = storageError(doing, error instanceof AppError ? error.cause : error);
    throw told instanceof AppError ? told : error;
  }
}
