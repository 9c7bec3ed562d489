/** The adapter of the embedded store, whose locations are data folders. */
import type { StoreAdapter } from '../../domain/ports/store.ts';
import { freeBytesIn } from '../../lib/files/free-bytes.ts';
import { backUpDataFolder, restoreDataFolder } from './database/backup.ts';
import { adoptDataFolder, lockDataFolder, requireFree } from './database/data-folder.ts';
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
  openUpkeep,
  freeBytes: freeBytesIn,
  backup: backUpDataFolder,
  restore: restoreDataFolder,
  inspect: async (location, now) => inspectDataFolder(location, now),
  requireFree: async (location) => requireFree(location),
  requireTakeable: async (location) => requireTakeable(location),
  requireUsable: async (location) => requireUsable(location),
};
