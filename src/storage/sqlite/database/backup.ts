/**
 * Backs up a data folder: `metaheac.db` is copied by SQLite's online backup, and the files that its rows refer to are
 * hard-linked if the file system supports hard links. `backup.json` lists all files with their sha256.
 */
import { existsSync, readdirSync, renameSync, rmdirSync, rmSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import type {
  BackupOptions,
  BackupReport,
  FileBeside,
  RestoreOptions,
  RestoreReport,
  StoreContents,
} from '../../../domain/ports/upkeep.ts';
import { AppError } from '../../../lib/errors.ts';
import {
  copyDurably,
  createClosedFolder,
  createFolder,
  linkDurably,
  listFolder,
  storageError,
  syncFolder,
  withStorage,
  writeDurably,
} from '../../../lib/files/durable-files.ts';
import { hashFile } from '../../../lib/files/slices.ts';
import { claimSibling } from '../../../lib/files/temporary-sibling.ts';
import { SEED_FOLDER, userSetFile } from '../../files/set-file.ts';
import { contentsIn } from '../../sql/upkeep.ts';
import { isOrphan, storedFiles } from '../orphans.ts';
import { BACKUP_FILE, type BackedUpFile, describeFiles, encodeBackup, readBackup } from './backup-manifest.ts';
import { readState } from './connection-sql.ts';
import { databaseOf } from './data-folder.ts';
import { type Connection, DATABASE_FILE, openForReading } from './database.ts';
import { connect } from './driver.ts';
import { markFolder, renewCopy } from './folder-mark.ts';

/** All pages are copied in one step, because SQLite starts over if another process writes between two steps. */
const ALL_PAGES = 0x7fffffff;
/** Maximum number of attempts to copy the database, if files that it refers to are removed during the backup. */
const ATTEMPTS = 10;

/**
 * Copies the database first and then the files that it refers to, because a row is committed only after its file
 * exists. If a file is gone when it is to be copied, it was removed together with its row, so the database is copied
 * again. A file that is missing twice is lost. @throws the errors of `StoreAdapter.backup`
 */
export async function backUpDataFolder(
  dataDir: string,
  to: string,
  { now, copy, beside }: BackupOptions,
): Promise<BackupReport> {
  const from = resolve(dataDir);
  const database = openForReading(databaseOf(from));
  try {
    return await intoNewFolder(resolve(to), async (folder) => {
      const { lost, attempts } = await copyConsistently(database, from, folder, copy ? copyDurably : linkDurably);
      copyBeside(beside?.() ?? [], folder, copy);
      const files = describeFiles(folder);
      writeDurably(join(folder, BACKUP_FILE), encodeBackup({ createdAt: now, files, lost }));
      return { files: files.length, bytes: files.reduce((sum, { size }) => sum + size, 0), attempts, lost };
    });
  } catch (error) {
    throw storageError(`back up ${from}`, error);
  } finally {
    database.close();
  }
}

/** Restores a data folder from a backup. @throws the errors of `StoreAdapter.restore` */
export async function restoreDataFolder(
  backup: string,
  to: string,
  { apart }: RestoreOptions = {},
): Promise<RestoreReport> {
  const from = resolve(backup);
  const { files } = readBackup(from);
  const isApart = ({ path }: BackedUpFile) => apart !== undefined && path.startsWith(`${apart.folder}/`);
  const others = files.filter(isApart);
  const own = files.filter((file) => !isApart(file));
  const toApart = apart?.to ?? null;
  if (toApart !== null && others.length === 0)
    throw new AppError('invalid_argument', `backup ${from} has no ${apart!.folder}`);
  if (toApart !== null && !relative(resolve(to), resolve(toApart)).startsWith('..'))
    throw new AppError('invalid_argument', `${toApart} is in ${to}, the restored data folder: choose another folder`);
  const bytesOf = (all: readonly BackedUpFile[]) => all.reduce((sum, { size }) => sum + size, 0);
  return await intoNewFolder(resolve(to), async (folder) => {
    copyVerified(own, from, (path) => join(folder, path));
    takeRestored(folder);
    const report = { files: own.length, bytes: bytesOf(own), apart: 0, leftOut: others.length };
    if (toApart === null || others.length === 0) return report;
    await intoNewFolder(resolve(toApart), async (second) =>
      copyVerified(others, from, (path) => join(second, path.slice(apart!.folder.length + 1))),
    );
    return { files: files.length, bytes: bytesOf(files), apart: others.length, leftOut: 0 };
  });
}

/** Gives the restored database a new generation, and makes it the owner of the folder. */
function takeRestored(folder: string): void {
  const file = join(folder, DATABASE_FILE);
  if (!existsSync(file)) return;
  const database: Connection = connect(file);
  try {
    // free pages, which a backup includes, may contain rows that were deleted before `secure_delete` was enabled
    database.exec('VACUUM');
    renewCopy(database);
    markFolder(database, folder);
  } finally {
    database.close();
  }
}

function copyVerified(files: readonly BackedUpFile[], from: string, target: (path: string) => string): void {
  for (const { path, size, sha256 } of files) {
    const copied = target(path);
    createFolder(dirname(copied));
    if (!existsSync(join(from, path))) throw damagedBackup(from, `${path} is missing`);
    copyDurably(join(from, path), copied);
    if (hashFile(copied) !== sha256) throw damagedBackup(from, `the sha256 of ${path} differs (${size} bytes)`);
  }
}

function copyBeside(files: Iterable<FileBeside>, folder: string, isCopied: boolean): void {
  const made = new Set<string>();
  for (const { from, path, isFinal } of files) {
    const target = join(folder, path);
    createFolder(dirname(target));
    made.add(dirname(target));
    (isCopied || !isFinal ? copyDurably : linkDurably)(from, target);
  }
  for (const each of made) syncFolder(each);
}

async function copyConsistently(
  database: Connection,
  from: string,
  folder: string,
  copy: (from: string, to: string) => void,
): Promise<{ lost: string[]; attempts: number }> {
  let before: ReadonlySet<string> = new Set();
  for (let attempts = 1; ; attempts++) {
    const contents = await copyDatabase(database, join(folder, DATABASE_FILE));
    const missing = copyFiles(contents, from, folder, copy);
    if (missing.every((path) => before.has(path))) {
      removeOthers(contents, folder);
      return { lost: missing, attempts };
    }
    if (attempts === ATTEMPTS)
      throw new AppError(
        'unavailable',
        `${missing[0]} was removed while it was being copied, ${ATTEMPTS} times in a row`,
      );
    before = new Set(missing);
  }
}

/** Copies the database into one file without a log, and returns the files that its rows refer to. */
async function copyDatabase(database: Connection, file: string): Promise<StoreContents> {
  rmSync(file, { force: true });
  await database.backup(file, { progress: () => ALL_PAGES });
  const copy: Connection = connect(file);
  try {
    copy.pragma('journal_mode = DELETE');
    renewCopy(copy);
  } finally {
    copy.close();
  }
  return readState(file, contentsIn);
}

/** Copies the files that `to` lacks; returns the files that `from` lacks too. */
function copyFiles(
  { sets, rankings }: StoreContents,
  from: string,
  to: string,
  copy: (from: string, to: string) => void,
): string[] {
  const missing: string[] = [];
  const copyAll = (folder: string, names: readonly string[]) => {
    createFolder(join(to, folder));
    for (const name of names) {
      if (existsSync(join(to, folder, name))) continue;
      try {
        copy(join(from, folder, name), join(to, folder, name));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
        missing.push(join(folder, name));
      }
    }
    syncFolder(join(to, folder));
  };
  copyAll(SEED_FOLDER, [...sets].map(userSetFile));
  for (const folder of rankings) {
    const names = listFolder(join(from, folder)).filter((name) => !name.endsWith('.tmp'));
    if (names.length === 0) missing.push(folder);
    else copyAll(folder, names);
  }
  return missing;
}

/** Removes files that only an earlier copy of the database referred to. */
function removeOthers(contents: StoreContents, folder: string): void {
  const referredTo = { ...contents, running: new Set<string>() };
  for (const file of storedFiles(folder))
    if (isOrphan(file, referredTo, true)) rmSync(join(folder, file.path), { recursive: true });
}

/**
 * Creates a complete folder, or nothing.
 * @throws AppError invalid_argument if the folder is not empty
 */
async function intoNewFolder<T>(target: string, fill: (folder: string) => Promise<T>): Promise<T> {
  const isEmpty = existsSync(target) && withStorage(`write ${target}`, () => readdirSync(target)).length === 0;
  if (existsSync(target) && !isEmpty)
    throw new AppError('invalid_argument', `${target} is not empty: choose an empty or new folder`);
  const { path: fresh, release } = claimSibling(target, `write ${target}`);
  try {
    createClosedFolder(fresh);
    const result = await fill(fresh);
    syncFolder(fresh);
    if (isEmpty) rmdirSync(target);
    renameSync(fresh, target);
    syncFolder(dirname(target));
    return result;
  } catch (error) {
    throw storageError(`write ${target}`, error);
  } finally {
    release();
  }
}

function damagedBackup(folder: string, what: string): AppError {
  return new AppError('invalid_argument', `backup ${folder} is damaged: ${what}`);
}
