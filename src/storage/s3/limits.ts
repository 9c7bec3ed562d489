/** Limits of blobs in object storage and of their cache. */
import { fixed, setting, valuesOf } from '../../lib/limits.ts';

export const BLOB_LIMITS = {
  blobCacheBytes: setting(
    10 * 1024 ** 3,
    'bytes',
    'Maximum size of the local cache of blobs from object storage. The parts that were not used for the longest time ' +
      'are removed first. The cache also never takes more than half of the disk space that it could have.',
    { most: 2 ** 50 },
  ),
  blobPartBytes: fixed(
    8.5 * 1024 ** 2,
    'bytes',
    'Size of the parts in which a blob is hashed, fetched and cached. Larger files are uploaded in parts of this ' +
      'size. The ranked users of 16 segments, with their histogram, fit into one (8.5 MiB).',
  ),
  blobUploads: fixed(4, 'requests', 'Number of parts of a blob that are uploaded at the same time.'),
  blobInlineBytes: fixed(
    8 * 1024,
    'bytes',
    'Maximum size of a file that is stored in the manifest of its folder, instead of an object of its own.',
  ),
  blobSpoolParts: fixed(
    4,
    'parts',
    'Number of parts of blobs that a process keeps in memory while it writes them, and of parts of those that it has ' +
      'put and will read, or that it reads once. Further parts go to the disk of the cache.',
  ),
  blobReadAheadParts: fixed(
    2,
    'parts',
    'Number of parts that are fetched ahead of a reader that reads a blob from its beginning to its end.',
  ),
  blobOpenParts: fixed(
    512,
    'parts',
    'Number of cached parts that a process keeps open. Beyond the limit, the part that was not read for the longest ' +
      'time is closed.',
  ),
  blobCacheDiskPercent: fixed(
    50,
    '%',
    'Maximum share of the disk space that is free or used by the cache itself, for the cache of blobs.',
  ),
  blobLeftoverMs: fixed(
    24 * 3600 * 1000,
    'ms',
    'Age at which files in object storage that belong to no published blob are removed: leftovers of writers that ' +
      'were killed, and files of replaced blobs, which open readers may still need before.',
  ),
  blobPatienceMs: fixed(
    30_000,
    'ms',
    'How long a call of object storage is repeated, with random pauses, if the storage is busy or cannot be reached.',
  ),
  blobConnectMs: fixed(3_000, 'ms', 'Maximum time to connect to object storage, for one attempt.'),
  blobRequestMs: fixed(20_000, 'ms', 'Maximum time without an answer or a byte from object storage, for one attempt.'),
  cachedSetCheckMs: fixed(
    60_000,
    'ms',
    'Interval at which the processes of a host remove files of user sets that no longer exist from the cache of ' +
      'blobs. Usually an announcement of the removal makes them do so at once.',
  ),
  cachedSetUncheckedMs: fixed(
    600_000,
    'ms',
    'After this time without such a check, because the database does not answer, all files of user sets are removed ' +
      'from the cache of blobs.',
  ),
  blobConnections: fixed(32, 'connections', 'Number of connections of a process to object storage.'),
};

export type BlobLimits = { readonly [Name in keyof typeof BLOB_LIMITS]: number };

export const DEFAULT_BLOB_LIMITS: BlobLimits = valuesOf(BLOB_LIMITS);
