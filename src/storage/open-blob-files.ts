/** Opens the single files in the storage of blobs: published populations and models, and the mark of the storage. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BlobFiles } from '../domain/ports/blob-files.ts';
import type { OnKept } from '../domain/ports/store.ts';
import type { Clock } from '../lib/clock.ts';
import { FolderBlobFiles } from './files/blob-files.ts';
import type { S3Options } from './s3/open-s3.ts';

/** The folder of the single files in the storage of blobs. No folder of other blobs has this name. */
export const SHARED_FOLDER = 'shared';

/**
 * Opens the published populations and models in a blob storage: `s3://bucket/prefix`, or `file:///folder` for a folder
 * that all hosts share. Calls `onKept` when rules of the bucket keep deleted files. Opening makes no request.
 * @throws UsageError
 */
export async function openBlobFiles(url: string, clock: Clock, onKept: OnKept = () => {}): Promise<BlobFiles> {
  if (url.startsWith('file:')) return new FolderBlobFiles(join(fileURLToPath(url), SHARED_FOLDER));
  // the driver is loaded late, because an embedded service does not need it
  const { openS3Files } = await import('./s3/open-s3.ts');
  return openS3Files(url, SHARED_FOLDER, { clock, onKept });
}

/** Opens files in a folder that contains nothing else of the store. */
export function openFolderFiles(folder: string): FolderBlobFiles {
  return new FolderBlobFiles(folder);
}

/** Opens files at `s3://bucket/prefix` that belong to no store. Opening makes no request. @throws UsageError */
export async function openLocationFiles(url: string, options: Omit<S3Options, 'onKept'>): Promise<BlobFiles> {
  const { openS3Files } = await import('./s3/open-s3.ts');
  return openS3Files(url, null, options);
}
