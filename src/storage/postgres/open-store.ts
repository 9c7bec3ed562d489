/** Opens a store of Postgres and blobs. */
import { randomUUID } from 'node:crypto';
import type { StoreReserve } from '../../domain/ports/reserve.ts';
import type { BlobLocator, CampaignStore, StoreOptions } from '../../domain/ports/store.ts';
import { CachedSets } from '../sql/cached-sets.ts';
import { openRepositories } from '../sql/repositories.ts';
import { PostgresCluster } from './cluster/cluster.ts';
import { PostgresSenderLocks } from './cluster/sender-locks.ts';
import { openDatabase, type PostgresDatabase } from './database/database.ts';
import { type OpenedBlobs, openBlobs } from './open-blobs.ts';
import { RangeRepository } from './ranges/ranges.ts';

/** An open store, with its database for tests. */
interface OpenedStore {
  readonly store: CampaignStore;
  readonly database: PostgresDatabase;
}

/**
 * Opens and migrates the database that `url` names. Any number of processes may do so at once. When the promise
 * resolves, look-ups see everything that other processes have committed.
 * @throws AppError storage_failed, unavailable; invalid_argument if a newer version has migrated the database
 */
export async function openStore(url: string, locator: BlobLocator, options: StoreOptions): Promise<OpenedStore> {
  const opened = await openBlobs(locator, options.onKept);
  let database: PostgresDatabase | null = null;
  try {
    database = await openDatabase(url, options.answersRequests ? 'proved' : 'answers');
    const store = await compose(database, url, opened, options);
    await database.announcements.caughtUp();
    return { store, database };
  } catch (error) {
    await database?.close();
    opened.close();
    throw error;
  }
}

async function compose(
  database: PostgresDatabase,
  url: string,
  opened: OpenedBlobs,
  options: StoreOptions,
): Promise<CampaignStore> {
  const base = { database, blobs: opened.blobs, options };
  const cachedSets = opened.singles && (await CachedSets.open(database, opened.singles));
  const cluster = new PostgresCluster(database, url, randomUUID(), {
    blobCache: opened.cache,
    refusesReads: options.answersRequests ?? false,
  });
  return openRepositories({
    ...base,
    folder: null,
    locks: new PostgresSenderLocks(database),
    ranges: new RangeRepository(base),
    cluster,
    reserve: NO_RESERVE,
    async close() {
      cachedSets?.close();
      await cluster.close();
      await database.close();
      opened.close();
    },
  });
}

/** Deletions need no reserved space: the database and object storage have disks of their own. */
const NO_RESERVE: StoreReserve = {
  sizeBytes: () => 0,
  isGivenUp: false,
  giveUp: () => {},
  keep: async () => {},
  using: (action) => action(),
};
