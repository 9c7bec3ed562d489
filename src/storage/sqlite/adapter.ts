/** The adapter of the embedded store, whose locations are data folders. */
import { resolve } from 'node:path';
import type { StoreAdapter } from '../../domain/ports/store.ts';
import { freeBytesIn } from '../../lib/files/free-bytes.ts';
import { FileBlobs } from '../files/blobs.ts';
import { StoredRecords } from '../sql/campaign-records.ts';
import { backUpDataFolder, restoreDataFolder } from './database/backup.ts';
import { ConnectionSql } from './database/connection-sql.ts';
import { adoptDataFolder, databaseOf, lockDataFolder, requireFree } from './database/data-folder.ts';
import { openForReading } from './database/database.ts';
import { requireTakeable, takeSaved } from './database/database-files.ts';
import { inspectDataFolder, requireUsable } from './database/inspect.ts';
import { openFiles, openStore } from './open-store.ts';
import { openUpkeep } from './upkeep.ts';

export const sqlite: StoreAdapter = {
  lock: async (location) => lockDataFolder(location),
  open: openStore,
  takeSaved: async (location, now) => takeSaved(location, now),
  adopt: async (location, now) => adoptDataFolder(location, now),
  openFiles: async (location) => openFiles(location),
  openRecords: async (location) => {
    const folder = resolve(location);
    const connection = openForReading(databaseOf(folder));
    return new StoredRecords({
      sql: new ConnectionSql(connection),
      blobs: new FileBlobs(folder),
      close: () => void connection.close(),
    });
  },
  openUpkeep,
  freeBytes: freeBytesIn,
  backup: backUpDataFolder,
  restore: restoreDataFolder,
  inspect: async (location, now) => inspectDataFolder(location, now),
  requireFree: async (location) => requireFree(location),
  requireTakeable: async (location) => requireTakeable(location),
  requireUsable: async (location) => requireUsable(location),
};
