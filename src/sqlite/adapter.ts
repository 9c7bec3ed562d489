/** The embedded store as an adapter: its locations are data folders. */
import type { StoreAdapter } from '../campaigns/ports/store.ts';
import { openRecords } from './campaign-records.ts';
import { lockDataFolder } from './data-folder-lock.ts';
import { inspectDataFolder } from './inspect.ts';
import { openFiles, openStore } from './open-store.ts';

export const sqlite: StoreAdapter = {
  lock: lockDataFolder,
  open: openStore,
  openFiles,
  openRecords,
  inspect: inspectDataFolder,
};
