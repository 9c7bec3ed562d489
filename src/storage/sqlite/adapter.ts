/** The adapter of the embedded store, whose locations are data folders. */
import type { StoreAdapter } from '../../domain/ports/store.ts';
import { freeBytesIn } from '../../lib/files/free-bytes.ts';
import { openRecords } from './campaign-records.ts';
import { backUpDataFolder, restoreDataFolder } from './database/backup.ts';
import { adoptDataFolder, lockDataFolder, requireFree } from './database/data-folder.ts';
import { requireTakeable, takeSaved } from './database/database-files.ts';
import { inspectDataFolder, requireUsable } from './database/inspect.ts';
import { openFiles, openStore } from './open-store.ts';
import { openUpkeep } from './upkeep.ts';

export const sqlite: StoreAdapter = {
  lock: async (location) => lockDataFolder(location),
  open: openStore,
  adopt: adoptDataFolder,
  takeSaved,
  openFiles,
  openRecords,
  openUpkeep,
  freeBytes: freeBytesIn,
  backup: backUpDataFolder,
  restore: restoreDataFolder,
  inspect: inspectDataFolder,
  ...{ requireFree, requireTakeable, requireUsable },
};
