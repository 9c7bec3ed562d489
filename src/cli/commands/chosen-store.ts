/** The store that a command works on: that of a data folder, or that of a cluster. */
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { ACTORS, type AuditedAction } from '../../domain/audit.ts';
import type { AuditLog } from '../../domain/ports/audit.ts';
import type { CampaignStore, StoreLocator } from '../../domain/ports/store.ts';
import { UsageError } from '../../lib/errors.ts';
import { STORE_OPTIONS, withDataFolder } from '../../service/data-folder.ts';
import type { ServiceEnvironment } from '../../service/settings/environment.ts';
import { locateSharedStore, locateStore, openStore } from '../../storage/open-store.ts';
import { dataDirOf, type FlagValues, settingsOf } from '../settings.ts';

/** A data folder, or a cluster. */
export type ChosenStore = string | ClusterSettings;

/** The settings that name a cluster, for commands that take a data folder or a cluster. */
export const CLUSTER = ['METAHEAC_STORE', 'METAHEAC_BLOBS', 'METAHEAC_CACHE'] as const;

/**
 * The store that the command line or another source of settings names; `dir` is an argument. A missing data folder is
 * created later if `isMade`. @throws UsageError, AppError as `dataDirOf`
 */
export function chosenStore(dir: string | undefined, options: FlagValues, { isMade = false } = {}): ChosenStore {
  const cluster = dir === undefined ? clusterOf(settingsOf(options).values) : null;
  return cluster ?? dataDirOf(dir, options, { isMade, orCluster: true });
}

export function locatorOf(chosen: ChosenStore): StoreLocator {
  if (typeof chosen === 'string') return locateStore(chosen);
  const { store, blobs, cache } = chosen;
  return locateSharedStore(store, { url: blobs, cacheFolder: join(cache, 'blobs') });
}

/**
 * Opens the store, even while processes use it, returns the result of `use`, and closes the store. The errors are those
 * of `withDataFolder`, and of opening the store of a cluster.
 */
export async function withChosenStore<T>(
  chosen: ChosenStore,
  use: (store: CampaignStore) => T | Promise<T>,
  { isMade = false } = {},
): Promise<T> {
  if (typeof chosen === 'string') return withDataFolder(chosen, use, { isMade });
  const store = await openStore(locatorOf(chosen), STORE_OPTIONS);
  try {
    return await use(store);
  } finally {
    await store.close();
  }
}

/** Runs `work`, writes an audit entry in the same transaction, and returns the result of `work`. */
export function recorded<T>(
  { audit }: { readonly audit: AuditLog },
  what: Pick<AuditedAction, 'action' | 'resource' | 'resourceId'>,
  work: () => T,
): T {
  const action = { ...what, actor: ACTORS.command, address: null, status: null, requestId: null };
  return audit.during({ action, isRecorded: false }, work);
}

export interface ClusterSettings {
  readonly store: string;
  readonly blobs: string;
  readonly cache: string;
}

/** The cluster that the settings name; null for a service without a cluster. @throws UsageError if a part is missing */
export function clusterOf({
  METAHEAC_STORE: store,
  METAHEAC_BLOBS: blobs,
  METAHEAC_CACHE: cache,
  METAHEAC_DATA_DIR: dataDir,
}: ServiceEnvironment): ClusterSettings | null {
  if (store === undefined) {
    if (dataDir === undefined && blobs !== undefined)
      throw new UsageError('--blobs (or METAHEAC_BLOBS) needs the database of the cluster: --store or METAHEAC_STORE');
    return null;
  }
  if (blobs === undefined)
    throw new UsageError(
      '--store (or METAHEAC_STORE) needs the object storage of the cluster: --blobs s3://bucket/prefix',
    );
  if (dataDir !== undefined)
    throw new UsageError('give either --data-dir, for a single service, or --store, for a node of a cluster');
  return { store, blobs, cache: cacheOf(cache) };
}

/** The cache folder. By default, it is in the folder of temporary files, one per user. */
export function cacheOf(cache: string | undefined): string {
  return cache ?? join(tmpdir(), `metaheac-cache-${userInfo().uid}`);
}
