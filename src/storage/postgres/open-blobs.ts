/** Opens the blobs of a store on Postgres, which are not part of the database. */
import { fileURLToPath } from 'node:url';
import type { Blobs } from '../../domain/ports/blobs.ts';
import type { BlobCacheCounts } from '../../domain/ports/cluster.ts';
import type { BlobLocator, OnKept } from '../../domain/ports/store.ts';
import { systemClock } from '../../lib/clock.ts';
import { createClosedFolder } from '../../lib/files/durable-files.ts';
import { FileBlobs } from '../files/blobs.ts';
import type { CachedSingles } from '../s3/cache.ts';

/**
 * Opens blobs without making a request: `s3://bucket/prefix`, or `file:///folder` for a folder that all hosts share,
 * such as a network file system. Calls `onKept` when rules of the bucket keep deleted files.
 * @throws UsageError; AppError storage_failed
 */
export async function openBlobs(locator: BlobLocator, onKept: OnKept = () => {}): Promise<OpenedBlobs> {
  const folder = folderOf(locator);
  if (folder !== null) {
    createClosedFolder(folder);
    return { blobs: new FileBlobs(folder), cache: null, singles: null, close: () => {} };
  }
  // the client of object storage is loaded only if it is needed
  const { openS3 } = await import('../s3/open-s3.ts');
  return openS3(locator, { clock: systemClock, onKept });
}

export interface OpenedBlobs {
  readonly blobs: Blobs;
  /** Counts of the cache; null without a cache. */
  readonly cache: BlobCacheCounts | null;
  /** Single files in the cache; null without a cache. */
  readonly singles: CachedSingles | null;
  close(): void;
}

/** The folder of blobs that are files; null if they are elsewhere. */
export function folderOf({ url }: BlobLocator): string | null {
  return url.startsWith('file:') ? fileURLToPath(url) : null;
}
