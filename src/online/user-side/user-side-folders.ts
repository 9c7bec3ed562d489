/** The folders with stored user sides of a population, and the limit on the size of all of them. */
import { existsSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '../../lib/errors.ts';
import { listFolder, withStorage } from '../../lib/files/durable-files.ts';
import { awaitFileLockSync } from '../../lib/files/file-lock.ts';
import { listVersions } from '../../population/read.ts';

const FOLDER = 'user-side-';
/** Suffix of complete files. */
export const SUFFIX = '.users';
/** Locked in the population folder while the size is measured and a file is written. */
const LOCK = 'user-sides.lock';
/** Maximum wait for the lock, which is held while one file is written. */
const LOCK_WAIT_MS = 10_000;

/** The user sides of one version for one model, which are kept when others are removed. */
export interface KeptUserSides {
  /** The version of the population. */
  readonly version: string;
  /** The version of the model. */
  readonly model: string;
}

/** Name of the folder in a version's folder. */
export function folderName(model: string, layout: string): string {
  return prefixOf(model) + layout;
}

/** Whether a folder of this name has user sides for the model, in any layout. */
export function isFolderFor(model: string, name: string): boolean {
  return name.startsWith(prefixOf(model));
}

const prefixOf = (model: string): string => `${FOLDER}${model}-`;

/**
 * Runs `action` while no other thread or process does so for the same population.
 * @throws AppError storage_failed; unavailable if another process holds the lock for too long
 */
export function withUserSideLock<T>(population: string, action: () => T): T {
  const path = join(population, LOCK);
  const release = awaitFileLockSync(path, LOCK_WAIT_MS);
  if (release === null) throw new AppError('unavailable', `another process has held ${path} for too long`);
  try {
    return action();
  } finally {
    release();
  }
}

/**
 * Removes stored user sides of models and versions other than `kept`, the oldest first, until the population's user
 * sides take at most `maximumBytes`. Returns how many more bytes may be stored, which is negative if the user sides of
 * `kept` alone take more. @throws AppError storage_failed
 */
export function makeRoom(population: string, kept: KeptUserSides, maximumBytes: number): number {
  let files = storedFiles(population);
  const newest = new Map<string, number>();
  for (const { folder, at } of files) newest.set(folder, Math.max(at, newest.get(folder) ?? 0));
  const others = [...newest.keys()].filter((folder) => !isKept(population, folder, kept));
  others.sort((a, b) => newest.get(a)! - newest.get(b)!);
  for (const folder of others) {
    if (sizeOf(files) <= maximumBytes) break;
    withStorage(`remove ${folder}`, () => rmSync(folder, { recursive: true, force: true }));
    files = files.filter((file) => file.folder !== folder);
  }
  return maximumBytes - sizeOf(files);
}

/**
 * Whether `bytes` more may be stored for `kept`. If so, user sides of other models and versions have been removed as
 * far as necessary. @throws AppError storage_failed
 */
export function makeRoomFor(bytes: number, population: string, kept: KeptUserSides, maximumBytes: number): boolean {
  const own = storedFiles(population).filter(({ folder }) => isKept(population, folder, kept));
  return sizeOf(own) + bytes <= maximumBytes && makeRoom(population, kept, maximumBytes - bytes) >= 0;
}

/**
 * Like `makeRoom`; then also removes files of `kept` if they alone take more than `maximumBytes`.
 * @throws AppError storage_failed
 */
export function enforceLimit(population: string, kept: KeptUserSides, maximumBytes: number): void {
  if (makeRoom(population, kept, maximumBytes) >= 0) return;
  const files = storedFiles(population);
  while (files.length > 0 && sizeOf(files) > maximumBytes) {
    const { path } = files.pop()!;
    withStorage(`remove ${path}`, () => rmSync(path, { force: true }));
  }
}

/**
 * Moves the file at `fetched` to its place `name` in a version's folder, unless there is a file already. False if the
 * population's user sides would take more than `maximumBytes`. `fetched` must be in the version's folder of user sides.
 * @throws AppError storage_failed, unavailable
 */
export function placeUserSide(
  population: string,
  kept: KeptUserSides,
  { name, fetched }: { readonly name: string; readonly fetched: string },
  maximumBytes: number,
): boolean {
  const path = join(population, kept.version, name);
  return withUserSideLock(population, () => {
    if (existsSync(path)) return true;
    if (!makeRoomFor(statSync(fetched).size, population, kept, maximumBytes)) return false;
    withStorage(`write ${path}`, () => renameSync(fetched, path));
    return true;
  });
}

/** Size of all stored user sides of a population. */
export function storedBytes(population: string): number {
  return sizeOf(storedFiles(population));
}

/** Number of stored user sides of a version for a model. */
export function countUserSides(population: string, { version, model }: KeptUserSides): number {
  const folder = join(population, version);
  const own = listFolder(folder).filter((name) => isFolderFor(model, name));
  const files = own.flatMap((name) => listFolder(join(folder, name)));
  return files.filter((name) => name.endsWith(SUFFIX)).length;
}

interface StoredFile {
  readonly folder: string;
  readonly path: string;
  readonly size: number;
  /** Time of the last change, in ms since 1970. */
  readonly at: number;
  /** Equal for links to the same file. */
  readonly identity: string;
}

function storedFiles(population: string): StoredFile[] {
  return listVersions(population).flatMap((version) =>
    listFolder(join(population, version))
      .filter((name) => name.startsWith(FOLDER))
      .flatMap((name) => filesIn(join(population, version, name))),
  );
}

function filesIn(folder: string): StoredFile[] {
  return listFolder(folder).flatMap((name) => {
    const path = join(folder, name);
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat === undefined) return [];
    return [{ folder, path, size: stat.size, at: stat.mtimeMs, identity: `${stat.dev} ${stat.ino}` }];
  });
}

/** A file that several versions share is counted once. */
function sizeOf(files: readonly StoredFile[]): number {
  const sizes = new Map(files.map(({ identity, size }) => [identity, size]));
  return [...sizes.values()].reduce((sum, size) => sum + size, 0);
}

function isKept(population: string, folder: string, { version, model }: KeptUserSides): boolean {
  const own = join(population, version, prefixOf(model));
  return folder.startsWith(own);
}
