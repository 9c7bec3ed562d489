/** Metrics of what a process of a cluster has of the cluster's data on its machine: the cache of blobs, the mirror. */
import type { Registry } from 'prom-client';
import type { BlobCacheCounts } from '../../domain/ports/cluster.ts';
import type { EngineHeartbeat } from '../../service/ports/health.ts';
import { counter, gauge } from './read-metrics.ts';

type MirrorCounts = NonNullable<EngineHeartbeat['copies']>['mirror'];

interface Copies {
  readonly blobCache: BlobCacheCounts | null;
  readonly mirror: MirrorCounts | null;
}

const CACHE_COUNTERS: readonly (readonly [string, string, (counts: BlobCacheCounts) => number])[] = [
  ['hits', 'Parts of blobs that were in the cache when they were read.', ({ hits }) => hits],
  ['misses', 'Parts of blobs that had to be fetched.', ({ misses }) => misses],
  ['fetched_bytes', 'Bytes of blobs that were fetched.', ({ fetchedBytes }) => fetchedBytes],
  ['evictions', 'Parts that were removed from the cache to keep its limit.', ({ evictions }) => evictions],
  ['evicted_bytes', 'Bytes that were removed from the cache.', ({ evictedBytes }) => evictedBytes],
  ['damaged', 'Damaged files of the cache, which were fetched again.', ({ damaged }) => damaged],
];
const MIRROR_COUNTERS: readonly (readonly [string, string, (counts: MirrorCounts) => number])[] = [
  ['fetched_files', 'Files of the population that were fetched.', ({ fetchedFiles }) => fetchedFiles],
  ['fetched_bytes', 'Bytes of the population that were fetched.', ({ fetchedBytes }) => fetchedBytes],
  ['evicted_files', 'Files that were removed to keep the limit.', ({ evictedFiles }) => evictedFiles],
  ['evicted_bytes', 'Bytes that were removed to keep the limit.', ({ evictedBytes }) => evictedBytes],
];

/** Adds the counts of one process, whose metrics have this prefix. What `read` has no counts of is omitted. */
export function addCopyMetrics(prefix: string, read: () => Copies | null, registers: Registry[]): void {
  for (const [name, help, value] of CACHE_COUNTERS) count(`blob_cache_${name}`, help, 'blobCache', value);
  for (const [name, help, value] of MIRROR_COUNTERS) count(`mirror_${name}`, help, 'mirror', value);
  const cached = 'Bytes in the cache of blobs, as far as the process knows.';
  size('blob_cache_bytes', cached, (copies) => copies?.blobCache?.storedBytes);
  const mirrored = 'Bytes of segments and rows of users on this machine, once the process has measured them.';
  size('mirror_bytes', mirrored, (copies) => copies?.mirror?.storedBytes);

  function count<K extends keyof Copies>(
    name: string,
    help: string,
    kind: K,
    value: (counts: NonNullable<Copies[K]>) => number,
  ): void {
    counter(`${prefix}_${name}_total`, help, registers, [], (self) => {
      const counts = read()?.[kind];
      if (counts) self.inc(value(counts));
    });
  }

  function size(name: string, help: string, value: (copies: Copies | null) => number | null | undefined): void {
    gauge(`${prefix}_${name}`, help, registers, [], (self) => {
      const bytes = value(read());
      if (typeof bytes === 'number') self.set(bytes);
      else self.remove();
    });
  }
}
