/** Metrics of a node of a cluster. A service with a data folder has none of them. */
import type { Registry } from 'prom-client';
import type { BlobCacheCounts } from '../../domain/ports/cluster.ts';
import type { CampaignStore } from '../../domain/ports/store.ts';
import type { SharedStatus } from '../../service/ports/health.ts';
import { counter, gauge, storeGauge } from './read-metrics.ts';

type MirrorCounts = ReturnType<SharedStatus['mirror']>;

interface ClusterNeeds {
  readonly store: Pick<CampaignStore, 'cluster' | 'ranges'>;
  readonly shared: SharedStatus | null;
}

const CACHE_COUNTERS: readonly (readonly [string, string, (counts: BlobCacheCounts) => number])[] = [
  ['hits', 'Parts of blobs that were in the cache when this process read them.', ({ hits }) => hits],
  ['misses', 'Parts of blobs that this process had to fetch.', ({ misses }) => misses],
  ['fetched_bytes', 'Bytes of blobs that this process has fetched.', ({ fetchedBytes }) => fetchedBytes],
  ['evictions', 'Parts that this process removed from the cache to keep its limit.', ({ evictions }) => evictions],
  ['evicted_bytes', 'Bytes that this process removed from the cache.', ({ evictedBytes }) => evictedBytes],
  ['damaged', 'Damaged files of the cache, which were fetched again.', ({ damaged }) => damaged],
];
const MIRROR_COUNTERS: readonly (readonly [string, string, (counts: MirrorCounts) => number])[] = [
  ['fetched_files', 'Files of the population that this process has fetched.', ({ fetchedFiles }) => fetchedFiles],
  ['fetched_bytes', 'Bytes of the population that this process has fetched.', ({ fetchedBytes }) => fetchedBytes],
  ['evicted_files', 'Files that this process removed to keep the limit.', ({ evictedFiles }) => evictedFiles],
  ['evicted_bytes', 'Bytes that this process removed to keep the limit.', ({ evictedBytes }) => evictedBytes],
];

/** Adds the metrics of a cluster, if the store has one. Those of the database are omitted while it does not answer. */
export function addClusterMetrics({ store, shared }: ClusterNeeds, registers: Registry[]): void {
  const { cluster } = store;
  if (cluster === null) return;
  gauge('metaheac_cluster_leader', '1 while this node leads the cluster.', registers, [], (self) => {
    self.set(cluster.leadership.isLeader ? 1 : 0);
  });
  const outage = 'Seconds since the database stopped answering this node; 0 while it answers.';
  gauge('metaheac_cluster_outage_seconds', outage, registers, [], (self) => {
    self.set((cluster.outage()?.ms ?? 0) / 1000);
  });
  const members = 'Processes of the cluster.';
  storeGauge(store, 'metaheac_cluster_members', members, registers, ['kind', 'ready'], async (self) => {
    for (const kind of ['node', 'engine']) for (const ready of ['true', 'false']) self.set({ kind, ready }, 0);
    for (const { kind, isReady } of await cluster.members()) self.inc({ kind, ready: String(isReady) });
  });
  addRanges(store, registers);
  addCache(cluster.blobCache, registers);
  if (shared !== null) addShared(shared, registers);
}

function addRanges({ cluster, ranges }: ClusterNeeds['store'], registers: Registry[]): void {
  if (ranges === null) return;
  const states = 'Ranges of running expansions, by state.';
  storeGauge({ cluster }, 'metaheac_ranges', states, registers, ['state'], async (self) => {
    for (const [state, count] of Object.entries((await ranges.counts()).phases)) self.set({ state }, count);
  });
  const doubled = 'Running ranges that a second engine may take or has taken.';
  storeGauge({ cluster }, 'metaheac_ranges_doubled', doubled, registers, [], async (self) => {
    self.set((await ranges.counts()).doubled);
  });
}

function addCache(cache: BlobCacheCounts | null, registers: Registry[]): void {
  if (cache === null) return;
  for (const [name, help, read] of CACHE_COUNTERS)
    counter(`metaheac_blob_cache_${name}_total`, help, registers, [], (self) => self.inc(read(cache)));
  const bytes = 'Bytes in the cache of blobs, as far as this process knows.';
  gauge('metaheac_blob_cache_bytes', bytes, registers, [], (self) => self.set(cache.storedBytes));
}

function addShared(shared: SharedStatus, registers: Registry[]): void {
  for (const [name, help, read] of MIRROR_COUNTERS)
    counter(`metaheac_mirror_${name}_total`, help, registers, [], (self) => self.inc(read(shared.mirror())));
  const bytes = 'Bytes of segments and rows of users on this machine, once this process has measured them.';
  gauge('metaheac_mirror_bytes', bytes, registers, [], (self) => {
    const { storedBytes } = shared.mirror();
    if (storedBytes === null) self.remove();
    else self.set(storedBytes);
  });
  const kept = 'Versions of deleted files that rules of the bucket keep, of deletions by this process.';
  counter('metaheac_kept_versions_total', kept, registers, [], (self) => self.inc(shared.keptVersions()));
}
