/** A data folder as the source or target of a copy. */
import { existsSync, renameSync, rmdirSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { AppError } from '../../lib/errors.ts';
import {
  createClosedFolder,
  listFolder,
  removeQuietly,
  storageError,
  syncFolder,
  writeDurably,
} from '../../lib/files/durable-files.ts';
import { FileBlobs } from '../files/blobs.ts';
import { readState } from '../sqlite/database/connection-sql.ts';
import { databaseOf, LOCK_FILE, lockDataFolder } from '../sqlite/database/data-folder.ts';
import { DATABASE_FILE, openDatabase, openForReading } from '../sqlite/database/database.ts';
import { markFolder } from '../sqlite/database/folder-mark.ts';
import { databaseFaults } from '../sqlite/database/row-sums.ts';
import { SqliteDatabase } from '../sqlite/database/sqlite-database.ts';
import type { Source, Target } from './copy-store.ts';

/** Marks a folder as an unfinished copy, which may be removed. */
const COPY_FILE = 'unfinished-copy';

/** The folder of an unfinished copy. It is renamed to `folder` when the copy is complete. */
function partialOf(folder: string): string {
  return `${resolve(folder)}.partial`;
}

/**
 * Locks a data folder and opens it for reading. `opened` closes everything that this function opens.
 * @throws AppError unavailable if a service uses it; invalid_argument if it is not a data folder of this version;
 * database_damaged, because a copy would give damaged rows new checksums
 */
export async function openFolderSource(dataDir: string, opened: AsyncDisposableStack): Promise<Source> {
  const folder = resolve(dataDir);
  const file = databaseOf(folder);
  opened.defer(lockDataFolder(folder));
  const database = openForReading(file);
  opened.defer(() => void database.close());
  const [fault, ...others] = databaseFaults(database);
  if (fault !== undefined) {
    const advice = `(${1 + others.length} in all; see metaheac verify)`;
    throw new AppError('database_damaged', `${folder} is damaged and was not copied: ${fault} ${advice}`);
  }
  const id = database.prepare(`SELECT database_id || '/' || generation FROM installation`).pluck().get() as string;
  return {
    id,
    blobs: new FileBlobs(folder),
    read: (work) => readState(file, work),
    requireUnused: async () => {},
  };
}

/**
 * Opens a new store next to the folder `to`, replacing an interrupted copy. It is renamed to `to` when the copy is
 * complete. If the copy fails, nothing is left.
 * @throws AppError invalid_argument if `to` contains anything else; unavailable if another process is copying
 */
export async function openFolderTarget(to: string, opened: AsyncDisposableStack): Promise<Target> {
  const [folder, fresh] = [resolve(to), partialOf(to)];
  const requireEmpty = async () => {
    if (listFolder(folder).length > 0)
      throw new AppError('invalid_argument', `${folder} is not empty: choose an empty or new folder`);
  };
  await requireEmpty();
  opened.defer(lockDataFolder(fresh));
  begin(fresh);
  opened.defer(() => removeQuietly(fresh));
  const database = new SqliteDatabase(openDatabase(join(fresh, DATABASE_FILE)), {
    files: { refuseIfLost: () => {}, keepCommitted: () => {} },
    reserve: { using: (action) => action() },
  });
  const close = async () => {
    if (database.connection.open) await database.close();
  };
  opened.defer(close);
  const blobs = new FileBlobs(fresh);
  return {
    ...{ database, blobs, arrived: blobs, requireUnused: requireEmpty },
    complete: async () => {
      await database.alone((connection) => markFolder(connection, fresh));
      await database.truncateLog();
      await close();
      publish(fresh, folder);
    },
  };
}

/** Removes an interrupted copy. */
function begin(fresh: string): void {
  const found = listFolder(fresh).filter((name) => name !== LOCK_FILE && name !== COPY_FILE);
  if (found.length > 0 && !existsSync(join(fresh, COPY_FILE)))
    throw new AppError('invalid_argument', `${fresh} is not an interrupted copy: remove that folder`);
  try {
    for (const name of found) rmSync(join(fresh, name), { recursive: true });
    writeDurably(join(fresh, COPY_FILE), Buffer.alloc(0), 'w');
    syncFolder(fresh);
  } catch (error) {
    throw storageError(`write ${fresh}`, error);
  }
}

function publish(fresh: string, folder: string): void {
  try {
    rmSync(join(fresh, COPY_FILE));
    if (existsSync(folder)) rmdirSync(folder);
    else createClosedFolder(dirname(folder));
    renameSync(fresh, folder);
    syncFolder(dirname(folder));
  } catch (error) {
    throw storageError(`name ${fresh} ${folder}`, error);
  }
}
