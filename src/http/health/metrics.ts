/** Prometheus metrics of a server, in its own registry, and metrics of the process. */
import { collectDefaultMetrics, Gauge, Histogram, register as ofProcess, Registry } from 'prom-client';
import type { Cluster } from '../../domain/ports/cluster.ts';
import { PACKAGE_VERSION } from '../../lib/package-root.ts';
import type { MetricFamily } from '../../lib/tracing.ts';
import type { ServerDependencies } from '../dependencies.ts';
import type { LoadShedder } from '../plugins/connections/load-shedder.ts';
import type { Answered } from '../plugins/request-log.ts';
import { addCopyMetrics, addEngineCopyMetrics, addEngineMetrics } from './engine-metrics.ts';
import { by, ReadMetrics } from './read-metrics.ts';
import type { Part } from './readiness.ts';
import { RequestMetrics } from './request-metrics.ts';

export interface ServerMetrics {
  /** Counts a response under its route's pattern. */
  observe(answered: Answered): void;
  /** Currently open streams. */
  readonly openStreams: Gauge;
  /** Returns the metrics as Prometheus text. Values from the store are read at the time of the call. */
  render(): Promise<{ readonly contentType: string; readonly text: string }>;
  /** Returns the metrics as data. */
  families(): Promise<readonly MetricFamily[]>;
}

/** Bucket bounds in seconds, from a row look-up in a small population to an hour of scoring. */
const STAGE_BUCKETS_SECONDS = [0.005, 0.05, 0.2, 1, 5, 20, 60, 300, 1200, 3600];

/** Creates the metrics of a server. All counts start at zero. */
export function createMetrics(
  dependencies: ServerDependencies,
  partsOf: () => Promise<readonly Part[]>,
  shedder: Pick<LoadShedder, 'refusedByClass'>,
): ServerMetrics {
  const registry = Registry.merge([metricsOfProcess()]);
  // the Prometheus linter rejects these gauges, because their names end like the names of counters; the gauges with the
  // label `type` remain
  for (const what of ['handles', 'requests', 'resources']) registry.removeSingleMetric(`nodejs_active_${what}_total`);
  const requests = new RequestMetrics();
  requests.register(registry);
  const openStreams = new Gauge({
    name: 'metaheac_audience_streams',
    help: 'Number of open streams of audiences, differences and user ids.',
    registers: [registry],
  });
  addStages(dependencies, registry);
  const { cluster } = dependencies.store;
  const metrics = new ReadMetrics(registry, () => (cluster?.outage() ?? null) !== null);
  addVersions(dependencies, metrics);
  addQueue(dependencies, metrics);
  addEngineMetrics(dependencies.engine, metrics);
  addWebhooks(dependencies, metrics);
  addMachine(dependencies, metrics);
  addStorage(dependencies, metrics);
  addClock(dependencies, metrics);
  if (cluster !== null) addCluster(cluster, dependencies, metrics);
  const refused = 'Number of requests refused because of overload, by class.';
  const byClass = () => by('class', Object.fromEntries(shedder.refusedByClass()));
  metrics.counter('metaheac_shed_requests_total', refused, byClass, ['class']);
  const parts = async () => (await partsOf()).map(({ name, ready }) => [{ part: name }, Number(ready)] as const);
  metrics.gauge('metaheac_part_ready', '1 if the part is ready, as in /readyz; otherwise 0.', parts, ['part']);
  return {
    observe: requests.observe,
    openStreams,
    render: async () => ({ contentType: registry.contentType, text: await registry.metrics() }),
    families: async () =>
      // the typings of prom-client declare `type` as a number, but the value is a string
      (await registry.getMetricsAsJSON()).map((family) => ({ ...family, type: String(family.type) })),
  };
}

/**
 * Default metrics of prom-client, which are created once per process, because their garbage collection observer and
 * event loop timer never stop and would keep a closed server in memory.
 */
function metricsOfProcess(): Registry {
  if (ofProcess.getMetricsAsArray().length === 0) collectDefaultMetrics();
  return ofProcess;
}

function addVersions({ served }: ServerDependencies, metrics: ReadMetrics): void {
  const help = 'Versions of the service, and of the model and population that it serves.';
  const read = () => {
    const { model, population } = served();
    return [[{ version: PACKAGE_VERSION, model: model.version, population: population.version }, 1]] as const;
  };
  metrics.gauge('metaheac_info', help, read, ['version', 'model', 'population']);
}

function addStages({ onExpanded }: ServerDependencies, registry: Registry): void {
  const stages = new Histogram({
    name: 'metaheac_expansion_stage_seconds',
    help: 'Time that a ready expansion spent in each stage.',
    labelNames: ['stage'],
    buckets: STAGE_BUCKETS_SECONDS,
    registers: [registry],
  });
  onExpanded((timings) => {
    for (const [stage, seconds] of Object.entries(timings)) stages.observe({ stage }, seconds);
  });
}

function addQueue({ store }: ServerDependencies, metrics: ReadMetrics): void {
  const expansions = 'Number of campaigns by the state of their latest expansion.';
  const byState = async () => by('state', await store.countsByState());
  metrics.storeGauge('metaheac_expansions', expansions, byState, ['state']);
  const waiting = 'Number of expansions that are waiting for the engine.';
  metrics.storeGauge('metaheac_queue_depth', waiting, async () => (await store.health.queue()).depth);
  const oldest = 'Age of the oldest queued expansion in seconds.';
  metrics.storeGauge('metaheac_queue_oldest_seconds', oldest, async () => (await store.health.queue()).oldestSeconds);
}

function addWebhooks({ store, webhooks }: ServerDependencies, metrics: ReadMetrics): void {
  const pending = 'Number of webhook deliveries that are waiting or being sent.';
  metrics.storeGauge('metaheac_webhook_deliveries_pending', pending, () => store.outbox.pendingCount());
  const attempts = 'Number of webhook delivery attempts by outcome.';
  const byOutcome = () => by('outcome', { ...webhooks.counts() });
  metrics.counter('metaheac_webhook_attempts_total', attempts, byOutcome, ['outcome']);
}

function addMachine({ machine, engine }: ServerDependencies, metrics: ReadMetrics): void {
  const help = 'Resident memory of each process in bytes.';
  const memory = () => {
    const { heartbeat } = engine();
    return by('process', { api: machine.residentBytes(), ...(heartbeat && { engine: heartbeat.residentBytes }) });
  };
  metrics.gauge('metaheac_resident_memory_bytes', help, memory, ['process']);
  const free = 'Free bytes on the disk of the data folder or, in a cluster, of the cache.';
  metrics.gauge(
    'metaheac_disk_free_bytes',
    free,
    ifReported(() => machine.disk().freeBytes),
  );
}

function addStorage({ storage }: ServerDependencies, metrics: ReadMetrics): void {
  const low = '1 while new work is refused because free disk space is below the reserve.';
  metrics.gauge(
    'metaheac_disk_low',
    low,
    ifReported(() => Number(storage.disk().isLow)),
  );
  const reserve =
    'Size in bytes of the reserve file, which is removed to make room for deletions on a full disk; 0 while ' +
    'the file does not exist.';
  metrics.gauge(
    'metaheac_reserve_file_bytes',
    reserve,
    ifReported(() => storage.reserveFileBytes()),
  );
  const givenUp = '1 while the reserve file does not exist; new work is refused in the meantime.';
  metrics.gauge(
    'metaheac_reserve_given_up',
    givenUp,
    ifReported(() => Number(storage.isReserveGivenUp())),
  );
  const damaged = 'Number of damaged files found since the service started. Damaged files are not served.';
  metrics.gauge('metaheac_damaged_files', damaged, () => by('kind', storage.damaged()), ['kind']);
  const aside = 'Number of folders with files that were moved aside because the database had no record of them.';
  metrics.gauge('metaheac_set_aside_folders', aside, async () => (await storage.setAside()).length);
  const present = () =>
    Object.keys(storage.damaged()).map(
      (kind) => [{ kind }, storage.damage().filter((damage) => damage.kind === kind).length] as const,
    );
  metrics.gauge('metaheac_damage', 'Number of files that are damaged or missing at present.', present, ['kind']);
  const scrubbed = 'Number of bytes read to verify files since the service started.';
  metrics.gauge('metaheac_scrubbed_bytes', scrubbed, () => storage.scrubbed().bytes);
}

/**
 * Returns the result of `read`, or null while the system does not report free disk space, so that only this metric is
 * omitted. /readyz reports the reason.
 */
function ifReported(read: () => number): () => number | null {
  return () => {
    try {
      return read();
    } catch {
      return null;
    }
  };
}

function addClock({ clock }: ServerDependencies, metrics: ReadMetrics): void {
  const jumps = "Number of jumps of the machine's clock by more than an hour.";
  metrics.counter('metaheac_clock_jumps_total', jumps, () => clock.status.jumps);
  const ahead = "Seconds by which the machine's clock is ahead of the service's time.";
  metrics.gauge('metaheac_clock_ahead_seconds', ahead, () => clock.status.aheadMs / 1000);
}

/** Adds the metrics of a cluster. While the database does not answer, its metrics are omitted. */
function addCluster(cluster: Cluster, { store, shared, engine }: ServerDependencies, metrics: ReadMetrics): void {
  const leads = '1 while this node leads the cluster.';
  metrics.gauge('metaheac_cluster_leader', leads, () => Number(cluster.leadership.isLeader));
  const outage = 'Seconds since the database stopped answering this node; 0 while it answers.';
  metrics.gauge('metaheac_cluster_outage_seconds', outage, () => (cluster.outage()?.ms ?? 0) / 1000);
  const members = async () => {
    const all = await cluster.members();
    const count = (kind: string, ready: boolean) =>
      all.filter((member) => member.kind === kind && member.isReady === ready).length;
    return ['node', 'engine'].flatMap((kind) =>
      [true, false].map((ready) => [{ kind, ready: String(ready) }, count(kind, ready)] as const),
    );
  };
  metrics.storeGauge('metaheac_cluster_members', 'Processes of the cluster.', members, ['kind', 'ready']);
  const { ranges } = store;
  if (ranges !== null) {
    const phases = async () => by('state', (await ranges.counts()).phases);
    metrics.storeGauge('metaheac_ranges', 'Ranges of running expansions, by state.', phases, ['state']);
    const doubled = 'Running ranges that a second engine may take or has taken.';
    metrics.storeGauge('metaheac_ranges_doubled', doubled, async () => (await ranges.counts()).doubled);
  }
  const copies = () => ({ blobCache: cluster.blobCache, mirror: shared?.mirror() ?? null });
  addCopyMetrics('metaheac', copies, metrics);
  addEngineCopyMetrics(engine, metrics);
  if (shared === null) return;
  const kept = 'Versions of deleted files that rules of the bucket keep, of deletions by this process.';
  metrics.counter('metaheac_kept_versions_total', kept, () => shared.keptVersions());
}
