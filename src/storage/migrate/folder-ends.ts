/** A data folder as the source or target of a copy. */
import { existsSync, readFileSync, renameSync, rmdirSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { AppError } from '../../lib/errors.ts';
import {
  createClosedFolder,
  listFolder,
  storageError,
  syncFolder,
  writeDurably,
} from '../../lib/files/durable-files.ts';
import { drain } from '../../lib/files/slices.ts';
import { FileBlobs } from '../files/blobs.ts';
import { PromisedBlobs } from '../files/promised-blobs.ts';
import { databaseOf, LOCK_FILE, lockDataFolder } from '../sqlite/database/data-folder.ts';
import {
  DATABASE_FILE,
  type Database,
  openDatabase,
  openForReading,
  truncateLog,
} from '../sqlite/database/database.ts';
import { markFolder } from '../sqlite/database/folder-mark.ts';
import { databaseFaults, findDamagedRows } from '../sqlite/database/row-sums.ts';
import { contentsOf } from '../sqlite/upkeep.ts';
import type { Source, Target } from './ends.ts';
import { SqliteRows } from './sqlite-rows.ts';

/** Names the source of an unfinished copy. */
const COPY_FILE = 'copy.json';

/** The folder in which a copy is made that gets the name `folder` when it is complete. */
export function partialOf(folder: string): string {
  return `${resolve(folder)}.partial`;
}

/**
 * Locks a data folder and opens it for reading. @throws AppError unavailable if a service uses it; invalid_argument if
 * it is none of this version; database_damaged, because a copy would give damaged rows new checksums
 */
export async function openFolderSource(dataDir: string): Promise<Source> {
  const folder = resolve(dataDir);
  const file = databaseOf(folder);
  const unlock = lockDataFolder(folder);
  let database: Database | null = null;
  try {
    database = openForReading(file);
    requireIntact(database, folder);
    const opened = database;
    const row = opened.prepare(`SELECT database_id || '/' || generation FROM installation`).pluck();
    return {
      ...{ rows: new SqliteRows(opened), blobs: new PromisedBlobs(new FileBlobs(folder)), id: row.get() as string },
      contents: async () => contentsOf(opened),
      requireUnused: async () => {},
      close: async () => {
        opened.close();
        unlock();
      },
    };
  } catch (error) {
    database?.close();
    unlock();
    throw error;
  }
}

function requireIntact(database: Database, folder: string): void {
  const faults = databaseFaults(database);
  for (const { table, id } of drain(findDamagedRows(database))) faults.push(`row ${id} of ${table} is damaged`);
  if (faults.length > 0)
    throw new AppError(
      'database_damaged',
      `${folder} is damaged, and is not copied: ${faults[0]} (${faults.length} in all; see metaheac verify)`,
    );
}

/**
 * Opens a new store that is made beside the folder `to`, or goes on with it. `to` appears when the copy is complete.
 * @throws AppError invalid_argument if there is something else; unavailable if another process makes the copy
 */
export async function openFolderTarget(to: string, source: string): Promise<Target> {
  const folder = resolve(to);
  requireEmpty(folder, source);
  const fresh = partialOf(folder);
  const unlock = lockDataFolder(fresh);
  let database: Database | null = null;
  try {
    const isBegun = beginOrGoOn(fresh, source);
    database = openDatabase(join(fresh, DATABASE_FILE));
    const opened = database;
    const blobs = new PromisedBlobs(new FileBlobs(fresh));
    return {
      ...{ rows: new SqliteRows(opened), blobs, arrived: blobs, isBegun },
      requireUnused: async () => requireEmpty(folder, source),
      complete: async () => complete(opened, fresh, folder),
      close: async () => {
        if (opened.open) opened.close();
        unlock();
      },
    };
  } catch (error) {
    database?.close();
    unlock();
    throw storageError(`write ${fresh}`, error);
  }
}

function requireEmpty(folder: string, source: string): void {
  if (!existsSync(folder) || listFolder(folder).length === 0) return;
  if (readSource(folder) === source) {
    // the process was killed after the rename
    rmSync(join(folder, COPY_FILE));
    throw new AppError('invalid_argument', `${folder} is the complete copy of this store: there is nothing to do`);
  }
  throw new AppError('invalid_argument', `${folder} is not empty: choose an empty or new folder`);
}

function readSource(folder: string): string | null {
  const file = join(folder, COPY_FILE);
  if (!existsSync(file)) return null;
  return (JSON.parse(readFileSync(file, 'utf8')) as { readonly source: string }).source;
}

/** Whether the folder has the begun copy of this source. */
function beginOrGoOn(fresh: string, source: string): boolean {
  const begun = readSource(fresh);
  if (begun === source) return true;
  if (listFolder(fresh).some((name) => name !== LOCK_FILE && !name.endsWith('.tmp')))
    throw new AppError(
      'invalid_argument',
      `${fresh} has an unfinished copy of another store, or of an earlier state of this one: remove that folder`,
    );
  const file = join(fresh, COPY_FILE);
  writeDurably(`${file}.tmp`, Buffer.from(JSON.stringify({ source })), 'w');
  renameSync(`${file}.tmp`, file);
  syncFolder(fresh);
  return false;
}

function complete(database: Database, fresh: string, folder: string): void {
  markFolder(database, fresh);
  truncateLog(database);
  database.close();
  try {
    if (existsSync(folder)) rmdirSync(folder);
    else createClosedFolder(dirname(folder));
    renameSync(fresh, folder);
    syncFolder(dirname(folder));
    rmSync(join(folder, COPY_FILE));
    syncFolder(folder);
  } catch (error) {
    throw storageError(`name ${fresh} ${folder}`, error);
  }
}
