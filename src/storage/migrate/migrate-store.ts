/** Copies a whole store from a data folder to a cluster's database and object storage, or back. */
import type { StoreLocator } from '../../domain/ports/store.ts';
import type { StoreContents } from '../../domain/ports/upkeep.ts';
import { assert, UsageError } from '../../lib/errors.ts';
import { contentsIn } from '../sql/upkeep.ts';
import { openClusterSource, openClusterTarget, openUsedCluster } from './cluster.ts';
import { type CopyReport, copyStore, type Source } from './copy-store.ts';
import { openFolderSource, openFolderTarget } from './folder.ts';

/** Maximum number of attempts. A copy is repeated if blobs and their rows are removed meanwhile. */
const ATTEMPTS = 5;

export interface CopyOptions {
  /** Called with a description of the current step. */
  readonly onProgress?: (text: string) => void;
}

/**
 * Copies a store. The source is only read, and no process may use it. The target must be empty or contain an
 * interrupted copy, which starts over. Services do not open the target until the copy is complete.
 * @throws AppError invalid_argument, unavailable, storage_failed, database_damaged; UsageError
 */
export async function migrateStore(
  from: StoreLocator,
  to: StoreLocator,
  { onProgress = () => {} }: CopyOptions = {},
): Promise<CopyReport> {
  if (from.adapter === to.adapter)
    throw new UsageError('one store is a data folder, and the other the postgres:// URL of a cluster');
  const opened = new AsyncDisposableStack();
  try {
    const source = await (from.adapter === 'postgres'
      ? openClusterSource(from.location, blobsOf(from), opened)
      : openFolderSource(from.location, opened));
    const target = await (to.adapter === 'postgres'
      ? openClusterTarget(to.location, blobsOf(to), source.id, opened)
      : openFolderTarget(to.location, opened));
    const report = await copyStore(source, target, onProgress);
    for (const end of [source, target]) await end.requireUnused();
    await target.complete();
    return report;
  } finally {
    await opened.disposeAsync();
  }
}

export interface UsedCopy extends CopyReport {
  readonly attempts: number;
}

/**
 * Copies the store of a running cluster to a new data folder. If a blob was removed after the rows were copied, its row
 * was removed too, so everything is copied again.
 * @throws AppError invalid_argument, unavailable, storage_failed
 */
export async function copyUsedStore(
  from: StoreLocator,
  to: string,
  { onProgress = () => {} }: CopyOptions = {},
): Promise<UsedCopy> {
  for (let attempts = 1; ; attempts++) {
    const opened = new AsyncDisposableStack();
    let isMissing = async () => false;
    try {
      const source = await openUsedCluster(from.location, blobsOf(from), opened);
      const target = await openFolderTarget(to, opened);
      const report = await copyStore(source, target, onProgress, (contents) => {
        isMissing = () => isMissingNow(source, contents);
      });
      await target.complete();
      return { ...report, attempts };
    } catch (error) {
      if (attempts === ATTEMPTS || !(await isMissing())) throw error;
      onProgress('some rankings or user sets were removed: copying again');
    } finally {
      await opened.disposeAsync();
    }
  }
}

function blobsOf({ blobs }: StoreLocator) {
  assert(blobs !== undefined, 'a store on Postgres has a location of blobs');
  return blobs;
}

/** Whether the store no longer refers to a blob. */
async function isMissingNow(source: Source, { sets, rankings }: StoreContents): Promise<boolean> {
  const now = await source.read(contentsIn);
  return [...sets].some((name) => !now.sets.has(name)) || [...rankings].some((name) => !now.rankings.has(name));
}
