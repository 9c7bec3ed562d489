/** Stores on Postgres and a shared folder of blobs, with a clock set by hand. */
import { pathToFileURL } from 'node:url';
import type { BlobLocator, CampaignStore, StoreOptions } from '../../../src/domain/ports/store.ts';
import { openStore } from '../../../src/storage/postgres/open-store.ts';
import { LEASE_MS, manualClock } from '../../domain/contract/inputs.ts';
import type { TestData } from '../../domain/contract/new-data.ts';
import { undoAfterTests } from '../../fixture/cleanup.ts';
import { temporaryFolder } from '../../fixture/folders.ts';
import { dropPostgres, openMigratedPostgres } from '../../fixture/postgres.ts';

type Opened = Awaited<ReturnType<typeof openStore>>;

const opened = new Set<CampaignStore>();
const databasesOfTest = new Set<Promise<string>>();
undoAfterTests(async () => {
  for (const store of opened) await store.close();
  opened.clear();
  for (const url of databasesOfTest) await url.then(dropPostgres, () => {});
  databasesOfTest.clear();
});

/** A database with its blobs (by default, in a new folder) and its clock, and any number of stores of it. */
export function sharedStore(
  options: Partial<StoreOptions> = {},
  blobs: BlobLocator = { url: pathToFileURL(temporaryFolder()).href, cacheFolder: '' },
): TestData & { readonly url: Promise<string> } {
  const url = openMigratedPostgres();
  // an error is reported by the first call that needs the database
  url.catch(() => {});
  databasesOfTest.add(url);
  const clock = manualClock();
  const all = { clock, minimumSeeds: 2, leaseMs: LEASE_MS, maximumAttempts: 3, answersRequests: true, ...options };
  const databases = new Set<Opened['database']>();
  return {
    url,
    clock,
    open: async () => {
      const { store, database } = await openStore(await url, blobs, all);
      databases.add(database);
      opened.add(store);
      const close = async () => {
        if (!opened.delete(store)) return;
        databases.delete(database);
        await store.close();
      };
      return { ...store, close };
    },
    caughtUp: async () => {
      await Promise.all([...databases].map((database) => database.announcements.caughtUp()));
    },
  };
}
