/** Opens the blobs of a location in object storage, with their cache. */
import type { Clock } from '../../lib/clock.ts';
import { S3BlobFiles } from './blob-files.ts';
import { S3Blobs } from './blobs.ts';
import { BlobCache, type CacheCounts, type CachedSingles } from './cache.ts';
import { requireUsable } from './check.ts';
import { type ClientOptions, ObjectStorage } from './client.ts';
import { type BlobLimits, DEFAULT_BLOB_LIMITS } from './limits.ts';
import { parseS3Url } from './location.ts';
import { type BucketRules, type KeptVersions, Removal } from './removal.ts';
import { spoolOf } from './spool.ts';
import { type SweepReport, sweep } from './sweep.ts';

/** Where blobs are, as plain data: a process or thread that receives a locator can open the same blobs. */
export interface S3Locator {
  /** `s3://bucket/prefix`, with the parameters of `parseS3Url` */
  readonly url: string;
  /** The folder of the cache, which all processes of a host share. */
  readonly cacheFolder: string;
  readonly cacheBytes?: number | undefined;
}

export interface S3Options {
  readonly clock: Clock;
  readonly limits?: Partial<BlobLimits>;
  /** Called when the rules of the bucket keep versions of removed objects. */
  readonly onKept?: (kept: KeptVersions) => void;
  readonly credentials?: ClientOptions['credentials'];
  readonly profile?: ClientOptions['profile'];
  readonly lookup?: ClientOptions['lookup'];
}

export interface OpenedS3 {
  readonly blobs: S3Blobs;
  /** Counts of the cache in this process. */
  readonly cache: Readonly<CacheCounts>;
  /** Single files in the cache of this machine. */
  readonly singles: CachedSingles;
  /** Single files below a folder of their own. */
  files(folder: string): S3BlobFiles;
  /** Removes leftovers; one process of a cluster does this from time to time. */
  sweep(): Promise<SweepReport>;
  /** Deleted data that the rules of the bucket may keep, as far as these credentials may read them. */
  rules(): Promise<BucketRules>;
  close(): void;
}

/**
 * Opens single files without a cache, in a folder of their own unless `folder` is null. Makes no request.
 * @throws UsageError
 */
export function openS3Files(url: string, folder: string | null, options: S3Options): S3BlobFiles {
  const { storage, removal } = withoutCache(url, options);
  return new S3BlobFiles(storage, removal, folder);
}

/**
 * Checks that the storage can be used, by putting and removing a small object.
 * @throws UsageError; AppError storage_failed, or invalid_argument if it lacks what blobs need
 */
export async function requireUsableS3(url: string, options: S3Options): Promise<void> {
  const { storage, removal } = withoutCache(url, options);
  await requireUsable(storage, removal);
}

function withoutCache(url: string, options: S3Options) {
  const { clock, onKept = () => {} } = options;
  const limits = { ...DEFAULT_BLOB_LIMITS, ...options.limits };
  const storage = new ObjectStorage(parseS3Url(url), { ...options, limits });
  return { storage, removal: new Removal(storage, () => clock.now(), onKept), limits };
}

/** Opens blobs without calling the storage. @throws UsageError; AppError storage_failed if there can be no cache */
export function openS3(locator: S3Locator, options: S3Options): OpenedS3 {
  const { clock } = options;
  const { url, cacheFolder, cacheBytes } = locator;
  const ofLocator = cacheBytes === undefined ? {} : { blobCacheBytes: cacheBytes };
  const { storage, removal, limits } = withoutCache(url, { ...options, limits: { ...ofLocator, ...options.limits } });
  const cache = new BlobCache({ folder: cacheFolder, clock, limits });
  const blobs = new S3Blobs({ storage, removal, cache, spool: spoolOf(cacheFolder), clock });
  return {
    blobs,
    cache: cache.counts,
    singles: cache,
    files: (folder) => new S3BlobFiles(storage, removal, folder),
    sweep: () => sweep(storage, removal, clock, (folder) => blobs.delete(folder)),
    rules: () => removal.rules(),
    close: () => blobs.close(),
  };
}
