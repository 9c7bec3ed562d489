/** Metrics that engines report in their heartbeats, and metrics of local copies of a cluster's data. */
import type { BlobCacheCounts } from '../../domain/ports/cluster.ts';
import type { EngineHeartbeat, EngineStatus } from '../../service/ports/health.ts';
import type { ReadMetrics } from './read-metrics.ts';

type MirrorCounts = NonNullable<EngineHeartbeat['copies']>['mirror'];

interface Copies {
  readonly blobCache: BlobCacheCounts | null;
  readonly mirror: MirrorCounts | null;
}

/**
 * Adds the metrics of the engine. Metrics of a running engine are omitted while no engine is running, and all are if
 * this process has none.
 */
export function addEngineMetrics(engine: () => EngineStatus, metrics: ReadMetrics): void {
  metrics.gauge('metaheac_engine_ready', '1 while the engine takes jobs.', () => {
    const { ready, isElsewhere } = engine();
    return isElsewhere ? null : Number(ready);
  });
  const device = () => {
    const { ready, detail, isElsewhere } = engine();
    return ready && !isElsewhere ? ([[{ device: detail }, 1]] as const) : null;
  };
  metrics.gauge('metaheac_engine_info', 'The device of the running engine.', device, ['device']);
  const restarts = 'Number of times the engine was restarted.';
  metrics.counter('metaheac_engine_restarts_total', restarts, () => engine().restarts);
  const killed = 'Number of times the engine was killed and restarted because it stopped responding.';
  metrics.counter('metaheac_engine_hung_total', killed, () => engine().hung);
  const scored = 'Number of users scored for expansions.';
  metrics.counter('metaheac_users_scored_total', scored, () => engine().usersScored);
  fromHeartbeat('heartbeat_age_seconds', "Time since the engine's last heartbeat.", ({ ageMs }) => ageMs / 1000);
  fromHeartbeat('threads', 'Number of threads of the engine.', ({ threads }) => threads);
  fromHeartbeat('expanding', 'Number of expansions that the engine is working on.', ({ expanding }) => expanding);
  const lag = "Maximum delay of the engine's event loop between two heartbeats.";
  fromHeartbeat('loop_lag_seconds', lag, ({ loopLagSeconds }) => loopLagSeconds);
  const stored = 'Number of segments of the population whose user sides are stored.';
  fromHeartbeat('user_sides_stored', stored, ({ userSides }) => userSides?.stored);
  const missing = 'Number of segments whose user sides are not stored (yet), so each expansion computes them.';
  fromHeartbeat('user_sides_missing', missing, ({ userSides }) => userSides?.missing);
  const refused = 'Number of models whose scores on this processor differ from those of other engines of the cluster.';
  fromHeartbeat('refused_models', refused, ({ refusedModels }) => refusedModels.length);

  function fromHeartbeat(
    name: string,
    help: string,
    value: (heartbeat: NonNullable<EngineStatus['heartbeat']>) => number | null | undefined,
  ): void {
    metrics.gauge(`metaheac_engine_${name}`, help, () => {
      const { heartbeat } = engine();
      return heartbeat && value(heartbeat);
    });
  }
}

/** Adds the counts of an engine of a cluster, which has copies of the cluster's data on its host. */
export function addEngineCopyMetrics(engine: () => EngineStatus, metrics: ReadMetrics): void {
  if (!engine().isElsewhere) addCopyMetrics('metaheac_engine', () => engine().heartbeat?.copies ?? null, metrics);
}

/**
 * Adds metrics of the cluster's data on this machine: the blob cache and the mirror. Metrics for which `read` returns
 * nothing are omitted.
 */
export function addCopyMetrics(prefix: string, read: () => Copies | null, metrics: ReadMetrics): void {
  const cache = (name: string, help: string, value: (counts: BlobCacheCounts) => number) =>
    metrics.counter(`${prefix}_blob_cache_${name}_total`, help, () => {
      const counts = read()?.blobCache;
      return counts && value(counts);
    });
  const mirror = (name: string, help: string, value: (counts: MirrorCounts) => number) =>
    metrics.counter(`${prefix}_mirror_${name}_total`, help, () => {
      const counts = read()?.mirror;
      return counts && value(counts);
    });
  cache('hits', 'Parts of blobs that were in the cache when they were read.', ({ hits }) => hits);
  cache('misses', 'Parts of blobs that had to be fetched.', ({ misses }) => misses);
  cache('fetched_bytes', 'Bytes of blobs that were fetched.', ({ fetchedBytes }) => fetchedBytes);
  cache('evictions', 'Parts that were removed from the cache to keep its limit.', ({ evictions }) => evictions);
  cache('evicted_bytes', 'Bytes that were removed from the cache.', ({ evictedBytes }) => evictedBytes);
  cache('damaged', 'Damaged files of the cache, which were fetched again.', ({ damaged }) => damaged);
  mirror('fetched_files', 'Files of the population that were fetched.', ({ fetchedFiles }) => fetchedFiles);
  mirror('fetched_bytes', 'Bytes of the population that were fetched.', ({ fetchedBytes }) => fetchedBytes);
  mirror('evicted_files', 'Files that were removed to keep the limit.', ({ evictedFiles }) => evictedFiles);
  mirror('evicted_bytes', 'Bytes that were removed to keep the limit.', ({ evictedBytes }) => evictedBytes);
  const cached = 'Bytes in the cache of blobs, as far as the process knows.';
  metrics.gauge(`${prefix}_blob_cache_bytes`, cached, () => read()?.blobCache?.storedBytes);
  const mirrored = 'Bytes of segments and rows of users on this machine, once the process has measured them.';
  metrics.gauge(`${prefix}_mirror_bytes`, mirrored, () => read()?.mirror?.storedBytes);
}
