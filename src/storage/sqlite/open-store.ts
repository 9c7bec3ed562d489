/** Opens the store of a data folder: a SQLite database and files. */
import { join, resolve } from 'node:path';
import type { CampaignRecords } from '../../domain/ports/records.ts';
import type { CampaignStore, StoreFiles, StoreOptions } from '../../domain/ports/store.ts';
import { createClosedFolder, storageError, syncFolder } from '../../lib/files/durable-files.ts';
import { FileBlobs } from '../files/blobs.ts';
import { blocksOfSet, openUserSet } from '../files/set-file.ts';
import { StoredRecords } from '../sql/campaign-records.ts';
import { openRepositories } from '../sql/repositories.ts';
import { ONLY_SENDER } from '../sql/sender-locks.ts';
import { DataFolder } from './data-folder.ts';
import { ConnectionSql } from './database/connection-sql.ts';
import { databaseOf, refuseStranded } from './database/data-folder.ts';
import { DATABASE_FILE, openDatabase, openForReading } from './database/database.ts';
import { DatabaseFiles } from './database/database-files.ts';
import { Reserve } from './database/reserve.ts';
import { SqliteDatabase } from './database/sqlite-database.ts';

/**
 * Opens the data folder, creates it if missing, and migrates the database. Any number of processes may open a folder at
 * once. @throws AppError storage_failed; invalid_argument if the file is not a database, if the database has a newer
 * version, or if it is missing or empty although the folder has files
 */
export async function openStore(dataDir: string, options: StoreOptions): Promise<CampaignStore> {
  const path = resolve(dataDir);
  try {
    createClosedFolder(path);
    refuseStranded(path);
    const reserve = new Reserve(path);
    const connection = await reserve.using(async () => openDatabase(join(path, DATABASE_FILE)));
    reserve.serve(connection);
    syncFolder(path);
    const { clock, saves, onDamagedRow } = options;
    const files = new DatabaseFiles(connection, { isSaver: saves === true, now: () => clock.now(), reserve });
    const database = new SqliteDatabase(connection, { files, reserve, ...(onDamagedRow && { onDamagedRow }) });
    const folder = new DataFolder(path, database, clock);
    return await openRepositories({
      database,
      blobs: new FileBlobs(path),
      options,
      folder,
      setAside: (paths) => folder.setAsideForeign(paths),
      lostFiles: () => files.look(),
      locks: ONLY_SENDER,
      ranges: null,
      cluster: null,
      reserve,
      close: () => database.close(),
    });
  } catch (error) {
    throw storageError(`open data folder ${path}`, error);
  }
}

/** Opens the blobs and user sets of the data folder, without the database. */
export function openFiles(dataDir: string): StoreFiles {
  const blobs = new FileBlobs(dataDir);
  return { blobs, setBlocks: async (name) => blocksOfSet(await openUserSet(blobs, name), name) };
}

/**
 * Opens the campaigns and their results for reading, even while a service is writing them. The caller must close the
 * returned object.
 * @throws AppError invalid_argument if there is no store of this version; storage_failed
 */
export function openRecords(dataDir: string): CampaignRecords {
  const folder = resolve(dataDir);
  const connection = openForReading(databaseOf(folder));
  return new StoredRecords(new ConnectionSql(connection), new FileBlobs(folder), async () => void connection.close());
}
