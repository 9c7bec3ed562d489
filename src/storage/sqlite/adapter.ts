/** The adapter of the embedded store, whose locations are data folders. */
import type { StoreAdapter } from '../../domain/ports/store.ts';
import { freeBytesIn } from '../../lib/files/free-bytes.ts';
import { openRecords } from './campaign-records.ts';
import { backUpDataFolder, restoreDataFolder } from './database/backup.ts';
import { adoptDataFolder, lockDataFolder, requireFree } from './database/data-folder.ts';
import { requireTakeable, takeSaved } from './database/database-files.ts';
import { inspectDataFolder, requireUsable } from './database/inspect.ts';
import { openFiles, openStore } from './open-store.ts';
import { promised } from './promised.ts';
import { openUpkeep } from './upkeep.ts';

const folders = {
  ...{ lock: lockDataFolder, adopt: adoptDataFolder, takeSaved, openUpkeep },
  ...{ inspect: inspectDataFolder, requireFree, requireTakeable, requireUsable },
};

export const sqlite: StoreAdapter = {
  ...promised(folders, ['lock', 'adopt', 'takeSaved', 'openUpkeep']),
  ...promised(folders, ['inspect', 'requireFree', 'requireTakeable', 'requireUsable']),
  open: openStore,
  openFiles: async (location) => openFiles(location),
  openRecords,
  freeBytes: freeBytesIn,
  backup: backUpDataFolder,
  restore: restoreDataFolder,
};
