/** The adapter of the embedded store, whose locations are data folders: a SQLite database and files. */
import { join, resolve } from 'node:path';
import type { CampaignRecords } from '../../domain/ports/records.ts';
import type { CampaignStore, StoreAdapter, StoreFiles, StoreOptions } from '../../domain/ports/store.ts';
import type { StoreUpkeep } from '../../domain/ports/upkeep.ts';
import { createClosedFolder, storageError, syncFolder } from '../../lib/files/durable-files.ts';
import { freeBytesIn } from '../../lib/files/free-bytes.ts';
import { FileBlobs } from '../files/blobs.ts';
import { blocksOfSet, openUserSet } from '../files/set-file.ts';
import { StoredRecords } from '../sql/campaign-records.ts';
import { openRepositories } from '../sql/repositories.ts';
import { ONLY_SENDER } from '../sql/sender-locks.ts';
import { contentsIn } from '../sql/upkeep.ts';
import { DataFolder } from './data-folder.ts';
import { backUpDataFolder, restoreDataFolder } from './database/backup.ts';
import { ConnectionSql, readState } from './database/connection-sql.ts';
import {
  adoptDataFolder,
  databaseOf,
  inspectDataFolder,
  lockDataFolder,
  refuseStranded,
  requireFree,
  requireUsable,
} from './database/data-folder.ts';
import { DATABASE_FILE, openDatabase, openForReading } from './database/database.ts';
import { DatabaseFiles, requireTakeable, takeSaved } from './database/database-files.ts';
import { discardFiles, listSetAside } from './database/folder-mark.ts';
import { Reserve } from './database/reserve.ts';
import { databaseFaults, findDamagedRows, isDamaged } from './database/row-sums.ts';
import { SqliteDatabase } from './database/sqlite-database.ts';
import { findOrphans } from './orphans.ts';

export const sqlite: StoreAdapter = {
  lock: async (location) => lockDataFolder(location),
  open: openStore,
  takeSaved: async (location, now) => takeSaved(location, now),
  adopt: async (location, now) => adoptDataFolder(location, now),
  openFiles: async (location) => openFiles(location),
  openUpkeep,
  freeBytes: freeBytesIn,
  backup: backUpDataFolder,
  restore: restoreDataFolder,
  inspect: async (location, now) => inspectDataFolder(location, now),
  requireFree: async (location) => requireFree(location),
  requireTakeable: async (location) => requireTakeable(location),
  requireUsable: async (location) => requireUsable(location),
};

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
function openFiles(dataDir: string): StoreFiles {
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

/** @throws AppError invalid_argument if there is no data folder of this version; storage_failed */
export async function openUpkeep(dataDir: string): Promise<StoreUpkeep> {
  const folder = resolve(dataDir);
  const database = openForReading(databaseOf(folder));
  const contents = () => readState(database.name, contentsIn);
  return {
    blobs: new FileBlobs(folder),
    faults: async () => databaseFaults(database),
    async *damagedRows() {
      return yield* findDamagedRows(database);
    },
    isDamaged: async (row) => isDamaged(database, row),
    contents,
    orphans: async (isAlone) => (await findOrphans(folder, contents, isAlone)).map(({ path }) => path),
    remove: async (paths, now) => discardFiles(database, folder, paths, now),
    setAside: async () => listSetAside(folder),
    close: async () => void database.close(),
  };
}
