/** SQLite stores in temporary folders, with a clock set by hand. */
import { afterAll } from 'vitest';
import type { CampaignStore, StoreOptions } from '../../../src/domain/ports/store.ts';
import { openStore } from '../../../src/storage/sqlite/open-store.ts';
import { LEASE_MS, type ManualClock, manualClock } from '../../domain/contract/inputs.ts';
import { temporaryFolder } from '../../fixture/folders.ts';

const opened: CampaignStore[] = [];
// registered here and not by the class: a hook that is added within a test never runs
afterAll(() => {
  for (const store of opened) store.close();
});

/** A data folder with its clock, and any number of connections to it. */
export function dataFolder(options: Partial<StoreOptions> = {}): {
  readonly folder: string;
  readonly clock: ManualClock;
  open(): CampaignStore;
} {
  const folder = temporaryFolder();
  const clock = manualClock();
  const all = { clock, minimumSeeds: 2, leaseMs: LEASE_MS, maximumAttempts: 3, ...options };
  return {
    folder,
    clock,
    open: () => {
      const store = openStore(folder, all);
      opened.push(store);
      return store;
    },
  };
}
