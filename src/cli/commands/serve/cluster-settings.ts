/** The settings that make a process part of a cluster. */
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { UsageError } from '../../../lib/errors.ts';
import type { ServiceEnvironment } from '../../../service/settings/environment.ts';

export interface ClusterSettings {
  readonly store: string;
  readonly blobs: string;
  readonly cache: string;
}

/** The cluster that the settings name; null for a service that is alone. @throws UsageError if a part is missing */
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
    throw new UsageError('give either --data-dir, for a service that is alone, or --store, for a node of a cluster');
  return { store, blobs, cache: cacheOf(cache) };
}

/** The folder of the cache; by default, one of this user in the folder of temporary files. */
export function cacheOf(cache: string | undefined): string {
  return cache ?? join(tmpdir(), `metaheac-cache-${userInfo().uid}`);
}
