/**
 * The adapter of stores on Postgres, whose locations are URLs of databases. The drivers are loaded when a store is
 * opened, because an embedded service does not need them.
 */
import type { BlobLocator, StoreAdapter } from '../../domain/ports/store.ts';
import { AppError } from '../../lib/errors.ts';
import { freeBytesIn } from '../../lib/files/free-bytes.ts';
import { blocksOfSet, openUserSet } from '../files/set-file.ts';
import { folderOf, openBlobs } from './open-blobs.ts';

/**
 * Maximum length of a lease. The engine of a host that is lost cannot release its jobs, and another engine takes them
 * within 15 s. An engine renews its leases every 5 s.
 */
export const LONGEST_LEASE_MS = 12_000;

/** The adapter for stores with these blobs. */
export function postgres(locator: BlobLocator): StoreAdapter {
  const folder = folderOf(locator);
  return {
    // the services of a cluster use one store at the same time
    lock: async () => () => {},
    requireFree: async () => {},
    open: async (url, options) => {
      const { openStore } = await import('./open-store.ts');
      const leaseMs = Math.min(options.leaseMs, LONGEST_LEASE_MS);
      return (await openStore(url, locator, { ...options, leaseMs })).store;
    },
    openFiles: async () => {
      const { blobs } = await openBlobs(locator);
      return { blobs, setBlocks: async (name) => blocksOfSet(await openUserSet(blobs, name), name) };
    },
    openUpkeep: async (url) => {
      const { openUpkeep } = await import('./upkeep/upkeep.ts');
      return openUpkeep(url, locator);
    },
    // new files are written to the cache before they go to object storage; blobs that are files may have no cache
    freeBytes: () => Math.min(...[locator.cacheFolder, folder ?? ''].filter((path) => path !== '').map(freeBytesIn)),
    inspect: async (url, now) => {
      const { inspectDatabase } = await import('./upkeep/inspect.ts');
      return inspectDatabase(url, now);
    },
    requireUsable: async (url) => {
      const { requireUsable } = await import('./upkeep/inspect.ts');
      return requireUsable(url);
    },
    // a database cannot be lost by this machine
    takeSaved: async () => null,
    requireTakeable: async () => {},
    adopt: async () => null,
    backup: refuseBackup,
    restore: refuseBackup,
  };
}

async function refuseBackup(): Promise<never> {
  throw new AppError(
    'invalid_argument',
    'a store on Postgres is copied to a data folder instead, by metaheac backup or metaheac migrate-store',
  );
}
