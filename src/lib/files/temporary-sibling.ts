/**
 * What is written beside its place until it is whole: under a name of its own, with a lock for as long as its writer
 * lives. What killed writers left is removed by whoever writes to the same place next.
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
/** A new lock may be taken for that of a killed writer in the moment before it is held. */
const ATTEMPTS = 10;

export interface TemporarySibling {
  /** A file or folder that the caller makes, and renames to its place. */
  readonly path: string;
  /** Where what is replaced may wait: it is put back by the next writer if the place is empty. */
  readonly aside: string;
  /** Removes what is left of it. Never throws. */
  release(): void;
}

/**
 * Gives a name beside `target` that nobody else has, in a folder that is made where missing, and removes what killed
 * writers of the same target left; whoever is still writing keeps theirs, in whatever container. `doing` completes
 * "cannot ..." in the error. @throws AppError storage_failed
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
    throw new AppError('storage_failed', `cannot ${doing}: no name beside it could be locked`);
  });
}

/** Runs `write` with such a name: nothing of it is left afterwards, however that ends. */
export function withSibling<T>(target: string, doing: string, write: (sibling: TemporarySibling) => T): T {
  const sibling = claimSibling(target, doing);
  try {
    return write(sibling);
  } finally {
    sibling.release();
  }
}

/** The lock goes last: until then nobody else looks at the rest. */
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
    if (giveBack === null) continue; // its writer lives
    // it was killed between moving the old one aside and putting the new one in its place
    if (!existsSync(target) && existsSync(path + ASIDE)) renameSync(path + ASIDE, target);
    removeWith(path, giveBack);
  }
}

/** The error of a lock tells what the caller was doing, not the name of a file that nobody asked for. */
function inWords<T>(doing: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    const told = storageError(doing, error instanceof AppError ? error.cause : error);
    throw told instanceof AppError ? told : error;
  }
}
