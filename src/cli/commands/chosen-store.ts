/** The store that a command works on: that of a data folder, or that of a cluster. */
import { join } from 'node:path';
import type { CampaignStore, StoreLocator } from '../../domain/ports/store.ts';
import { STORE_OPTIONS, withDataFolder } from '../../service/data-folder.ts';
import { locateSharedStore, locateStore, openStore } from '../../storage/open-store.ts';
import { dataDirOf, type FlagValues, settingsOf } from '../settings.ts';
import { type ClusterSettings, clusterOf } from './serve/cluster-settings.ts';

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
