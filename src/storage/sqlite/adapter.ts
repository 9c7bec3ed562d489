/** The embedded store as an adapter: its locations are data folders. */
import type { StoreAdapter } from '../../domain/ports/store.ts';
import { backUpDataFolder, restoreDataFolder } from './backup.ts';
import { openRecords } from './campaign-records.ts';
import { lockDataFolder, requireFree } from './data-folder-lock.ts';
import { inspectDataFolder, requireUsable } from './inspect.ts';
import { openFiles, openStore } from './open-store.ts';
import { requireTakeable, takeSaved } from './saved-database.ts';
import { adoptDataFolder } from './stranded.ts';
import { freeBytes, openUpkeep } from './upkeep.ts';

export const sqlite: StoreAdapter = {
  lock: lockDataFolder,
  open: openStore,
  adopt: adoptDataFolder,
  takeSaved,
  openFiles,
  openRecords,
  openUpkeep,
  freeBytes,
  backup: backUpDataFolder,
  restore: restoreDataFolder,
  inspect: inspectDataFolder,
  ...{ requireFree, requireTakeable, requireUsable },
};
