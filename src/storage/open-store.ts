/** The only file that refers to the store adapters. Processes and threads open the same store with a locator. */
import { randomUUID } from 'node:crypto';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BlobLocator, OnKept, StoreAdapter, StoreLocator } from '../domain/ports/store.ts';
import type { RestoreOptions, RestoreReport } from '../domain/ports/upkeep.ts';
import type { Clock } from '../lib/clock.ts';
import { assert, UsageError } from '../lib/errors.ts';
import { FolderBlobFiles } from './files/blob-files.ts';
import type { CopyReport } from './migrate/copy-store.ts';
import type { CopyOptions, UsedCopy } from './migrate/migrate-store.ts';
import { SHARED_FOLDER } from './open-blob-files.ts';
import { postgres } from './postgres/adapter.ts';
import type { DatabaseFacts } from './postgres/cluster/examine-database.ts';
import type { OpenedS3, S3Options } from './s3/open-s3.ts';
import type { BucketRules } from './s3/removal.ts';
import { sqlite } from './sqlite/adapter.ts';

export { requireOwnBlobs, takeBlobs } from './blob-mark.ts';
export { FileBlobs } from './files/blobs.ts';
export { checkUserSet } from './files/set-file.ts';
export { idsInText, type SentId, setFromIds } from './files/set-from-text.ts';
export { openBlobFiles, openFolderFiles, openLocationFiles, SHARED_FOLDER } from './open-blob-files.ts';
export { openRecords } from './sqlite/adapter.ts';

/** Adapters by name. To add a kind of store, add a folder beside src/storage/sqlite and a line here. */
const ADAPTERS: Readonly<Record<string, (locator: StoreLocator) => StoreAdapter>> = {
  sqlite: () => sqlite,
  postgres: ({ blobs }) => {
    assert(blobs !== undefined, 'a store on Postgres has a location of blobs');
    return postgres(blobs);
  },
};

/** The locator of the store in a data folder. */
export function locateStore(dataDir: string): StoreLocator {
  return { adapter: 'sqlite', location: resolve(dataDir) };
}

/**
 * The locator of a store that several services share: the URL of a Postgres database, and where the blobs are.
 * @throws UsageError that does not repeat the URL
 */
export function locateSharedStore(url: string, blobs: BlobLocator): StoreLocator {
  if (!/^postgres(ql)?:\/\//.test(url)) throw new UsageError('the URL of a store begins with postgres://');
  return { adapter: 'postgres', location: url, blobs };
}

// the following functions are documented as methods of `StoreAdapter`
export const lockStore = located('lock');
export const openStore = located('open');
export const takeSavedStore = located('takeSaved');
export const adoptStore = located('adopt');
export const openStoreFiles = located('openFiles');
export const openUpkeep = located('openUpkeep');
export const freeBytesOf = located('freeBytes');
export const backUpStore = located('backup');
export const inspectStore = located('inspect');
export const requireFreeStore = located('requireFree');
export const requireTakeableStore = located('requireTakeable');
export const requireUsableStore = located('requireUsable');

/** Restores a store like `StoreAdapter.restore`, at the location in the locator. */
export function restoreStore(to: StoreLocator, from: string, options?: RestoreOptions): Promise<RestoreReport> {
  return adapterOf(to).restore(from, to.location, options);
}

type Located<F> = F extends (location: string, ...rest: infer R) => infer T
  ? (locator: StoreLocator, ...rest: R) => T
  : never;

/** Calls a method of the adapter that the locator names, with the location. */
function located<K extends Exclude<keyof StoreAdapter, 'restore'>>(name: K): Located<StoreAdapter[K]> {
  const call = (locator: StoreLocator, ...rest: readonly unknown[]) => {
    const method = adapterOf(locator)[name] as (location: string, ...rest: readonly unknown[]) => unknown;
    return method(locator.location, ...rest);
  };
  return call as Located<StoreAdapter[K]>;
}

function adapterOf(locator: StoreLocator): StoreAdapter {
  const adapter = ADAPTERS[locator.adapter];
  assert(adapter !== undefined, `there is no adapter ${locator.adapter}`);
  return adapter(locator);
}

/**
 * Removes leftovers of killed writers, and replaced files, from a blob storage once they are a day old. Returns the
 * number of removed objects.
 * @throws AppError storage_failed
 */
export async function sweepBlobs(locator: StoreLocator, clock: Clock, onKept?: OnKept): Promise<number> {
  return (await withS3(locator, { clock, ...(onKept && { onKept }) }, (s3) => s3.sweep()))?.removedObjects ?? 0;
}

/**
 * Opens the clock that all processes of a shared store follow. The caller must close it.
 * @throws AppError unavailable, storage_failed
 */
export async function openSharedClock({ location }: StoreLocator): Promise<Clock & { close(): Promise<void> }> {
  const { DatabaseClock } = await import('./postgres/cluster/database-clock.ts');
  return DatabaseClock.open(location);
}

/** Examines the database of a shared store. @throws AppError unavailable, storage_failed */
export async function examineSharedStore({ location }: StoreLocator): Promise<DatabaseFacts> {
  const { examineDatabase } = await import('./postgres/cluster/examine-database.ts');
  return examineDatabase(location);
}

/**
 * Deleted data that the rules of a bucket may keep; null for blobs that are files.
 * @throws AppError storage_failed
 */
export function readBucketRules(locator: StoreLocator, clock: Clock): Promise<BucketRules | null> {
  return withS3(locator, { clock }, (s3) => s3.rules());
}

/** Calls `work` with the object storage that contains the blobs; returns null for blobs that are files. */
async function withS3<T>(
  { blobs }: StoreLocator,
  options: S3Options,
  work: (s3: OpenedS3) => Promise<T>,
): Promise<T | null> {
  if (blobs === undefined || blobs.url.startsWith('file:')) return null;
  const { openS3 } = await import('./s3/open-s3.ts');
  const opened = openS3(blobs, options);
  try {
    return await work(opened);
  } finally {
    opened.close();
  }
}

/**
 * Checks that the storage of blobs at `url` can be used, by putting and removing a small file.
 * @throws AppError storage_failed, or invalid_argument if it ignores conditions of writes
 */
export async function requireUsableBlobs(url: string, clock: Clock): Promise<void> {
  if (!url.startsWith('file:')) {
    const { requireUsableS3 } = await import('./s3/open-s3.ts');
    return await requireUsableS3(url, { clock });
  }
  const files = new FolderBlobFiles(join(fileURLToPath(url), SHARED_FOLDER));
  const name = `probes/${randomUUID()}`;
  try {
    await files.put(name, Buffer.from('metaheac'));
  } finally {
    await files.deleteFile(name);
  }
}

/** Copies a store between a data folder and a cluster. The errors are those of `migrateStore` in `migrate/`. */
export async function migrateStore(from: StoreLocator, to: StoreLocator, options?: CopyOptions): Promise<CopyReport> {
  // both drivers are loaded late, because a service needs only one of them
  const migrate = await import('./migrate/migrate-store.ts');
  return migrate.migrateStore(from, to, options);
}

/** Copies the store of a cluster that may be in use to a new data folder. The errors are those of `copyUsedStore`. */
export async function copyUsedStore(from: StoreLocator, to: string, options?: CopyOptions): Promise<UsedCopy> {
  const migrate = await import('./migrate/migrate-store.ts');
  return migrate.copyUsedStore(from, to, options);
}
