/** SQLite stores in temporary folders, with a clock set by hand. */
import { setImmediate } from 'node:timers/promises';
import type { CampaignStore, StoreOptions } from '../../../src/domain/ports/store.ts';
import { openStore } from '../../../src/storage/sqlite/adapter.ts';
import { LEASE_MS, type ManualClock, manualClock } from '../../domain/contract/inputs.ts';
import { undoAfterFiles } from '../../fixture/cleanup.ts';
import { dataFolder as migratedFolder, temporaryFolder } from '../../fixture/folders.ts';

const opened: CampaignStore[] = [];
undoAfterFiles(async () => {
  for (const store of opened.splice(0)) await store.close();
});

interface DataFolder {
  readonly folder: string;
  readonly clock: ManualClock;
  open(): Promise<CampaignStore>;
  caughtUp(): Promise<void>;
}

/** A data folder whose database has its tables, for tests that are not about new folders. */
export function migratedDataFolder(options: Partial<StoreOptions> = {}): DataFolder {
  return dataFolder(options, migratedFolder());
}

/** A data folder with its clock, and any number of connections to it. */
export function dataFolder(options: Partial<StoreOptions> = {}, folder = temporaryFolder()): DataFolder {
  const clock = manualClock();
  const all = { clock, minimumSeeds: 2, leaseMs: LEASE_MS, maximumAttempts: 3, ...options };
  return {
    folder,
    clock,
    open: async () => {
      const store = await openStore(folder, all);
      opened.push(store);
      return store;
    },
    // look-ups see commits of other connections in the next turn of the event loop
    caughtUp: () => setImmediate(),
  };
}
