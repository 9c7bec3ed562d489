/** `metaheac migrate-store`. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { StoreLocator } from '../../../domain/ports/store.ts';
import { AppError, UsageError } from '../../../lib/errors.ts';
import type { Output } from '../../../lib/output.ts';
import { counted, mebibytes } from '../../../lib/text/counted.ts';
import { locateSharedStore, locateStore, migrateStore } from '../../../storage/open-store.ts';

export interface MigrateStoreOptions {
  /** Where the blobs of the cluster are. */
  readonly blobs: string;
  /** The folder of the cache on this machine. */
  readonly cache: string;
  readonly json?: boolean;
}

/** Copies a store from a data folder to a cluster, or from a cluster to a new data folder. */
export async function migrateStoreCommand(
  from: string,
  to: string,
  { blobs, cache, json = false }: MigrateStoreOptions,
  output: Output,
): Promise<void> {
  // the URL is not repeated, because it may have a password
  for (const place of [from, to])
    if (!isCluster(place) && place.includes('://'))
      throw new UsageError('the URL of a cluster begins with postgres://');
  if (isCluster(from) === isCluster(to))
    throw new UsageError('one of FROM and TO is a data folder, and the other the URL of a cluster: postgres://..');
  if (!isCluster(from) && !existsSync(from)) throw new AppError('invalid_argument', `${from}: not found`);
  const locate = (place: string): StoreLocator =>
    isCluster(place) ? locateSharedStore(place, { url: blobs, cacheFolder: join(cache, 'blobs') }) : locateStore(place);
  const { tables, blobs: copied } = await migrateStore(locate(from), locate(to), {
    onProgress: (text) => output.progress(text),
  });
  const { sets, rankings, bytes } = copied;
  const rows = tables.reduce((sum, table) => sum + table.rows, 0);
  if (json) {
    output.result(JSON.stringify({ tables, sets, rankings, bytes }));
    return;
  }
  output.result(
    `${counted(rows, 'row')} in ${counted(tables.length, 'table')}, ${counted(sets, 'user set')}, ` +
      `${counted(rankings, 'ranking')}, ${mebibytes(bytes)}: all were compared with the source`,
  );
  output.note('the source is unchanged: do not start a service with it and one with the copy at the same time');
  output.note(
    'not included: populations and models (metaheac population publish and model publish, or pull, move them)',
  );
}

function isCluster(place: string): boolean {
  return /^postgres(ql)?:\/\//.test(place);
}
