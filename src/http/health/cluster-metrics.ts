/** Metrics of a node of a cluster. A service with a data folder has none of them. */
import type { Registry } from 'prom-client';
import type { CampaignStore } from '../../domain/ports/store.ts';
import type { EngineStatus, SharedStatus } from '../../service/ports/health.ts';
import { addCopyMetrics } from './copy-metrics.ts';
import { addEngineCopyMetrics } from './engine-metrics.ts';
import { counter, gauge, storeGauge } from './read-metrics.ts';

interface ClusterDependencies {
  readonly store: Pick<CampaignStore, 'cluster' | 'ranges'>;
  readonly shared: SharedStatus | null;
  readonly engine: () => EngineStatus;
}

/** Adds the metrics of a cluster, if the store has one. Those of the database are omitted while it does not answer. */
export function addClusterMetrics({ store, shared, engine }: ClusterDependencies, registers: Registry[]): void {
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
  const own = () => ({ blobCache: cluster.blobCache, mirror: shared?.mirror() ?? null });
  addCopyMetrics('metaheac', own, registers);
  addEngineCopyMetrics(engine, registers);
  if (shared === null) return;
  const kept = 'Versions of deleted files that rules of the bucket keep, of deletions by this process.';
  counter('metaheac_kept_versions_total', kept, registers, [], (self) => self.inc(shared.keptVersions()));
}

function addRanges({ cluster, ranges }: ClusterDependencies['store'], registers: Registry[]): void {
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
