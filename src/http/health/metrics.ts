/** Prometheus metrics of a server, in its own registry, and metrics of the process. */
import { collectDefaultMetrics, Gauge, Histogram, register as ofProcess, Registry } from 'prom-client';
import { PACKAGE_VERSION } from '../../lib/package-root.ts';
import type { MetricFamily } from '../../lib/tracing.ts';
import { addClockMetrics } from '../clock/metrics.ts';
import type { ServerDependencies } from '../dependencies.ts';
import type { LoadShedder } from '../plugins/connections/load-shedder.ts';
import type { Answered } from '../plugins/request-log.ts';
import { addClusterMetrics } from './cluster-metrics.ts';
import { addEngineMetrics } from './engine-metrics.ts';
import { counter, gauge, storeGauge } from './read-metrics.ts';
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

type MetricsDependencies = Pick<
  ServerDependencies,
  'clock' | 'engine' | 'storage' | 'onExpanded' | 'webhooks' | 'machine' | 'served' | 'shared'
> & { readonly store: Pick<ServerDependencies['store'], 'countsByState' | 'health' | 'outbox' | 'cluster' | 'ranges'> };

/** Bucket bounds in seconds, from a row look-up in a small population to an hour of scoring. */
const STAGE_BUCKETS_SECONDS = [0.005, 0.05, 0.2, 1, 5, 20, 60, 300, 1200, 3600];

/** Creates the metrics of a server. All counts start at zero. */
export function createMetrics(
  dependencies: MetricsDependencies,
  partsOf: () => Promise<readonly Part[]>,
  shedder: Pick<LoadShedder, 'refusedByClass'>,
): ServerMetrics {
  const registry = Registry.merge([metricsOfProcess()]);
  const registers = [registry];
  // the Prometheus linter rejects these gauges, because their names end like the names of counters; the gauges with the
  // label `type` remain
  for (const what of ['handles', 'requests', 'resources']) registry.removeSingleMetric(`nodejs_active_${what}_total`);
  const requests = new RequestMetrics();
  requests.register(registry);
  const openStreams = new Gauge({
    name: 'metaheac_audience_streams',
    help: 'Number of open streams of audiences, differences and user ids.',
    registers,
  });
  addVersions(dependencies, registers);
  addStages(dependencies, registers);
  addQueue(dependencies, registers);
  addEngineMetrics(dependencies.engine, registers);
  addWebhooks(dependencies, registers);
  addMachine(dependencies, registers);
  addStorage(dependencies, registers);
  addClockMetrics(dependencies, registers);
  addClusterMetrics(dependencies, registers);
  const refused = 'Number of requests refused because of overload, by class.';
  counter('metaheac_shed_requests_total', refused, registers, ['class'], (self) => {
    for (const [name, count] of shedder.refusedByClass()) self.inc({ class: name }, count);
  });
  gauge(
    'metaheac_part_ready',
    '1 if the part is ready, as in /readyz; otherwise 0.',
    registers,
    ['part'],
    async (self) => {
      for (const { name, ready } of await partsOf()) self.set({ part: name }, ready ? 1 : 0);
    },
  );
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

function addVersions(dependencies: MetricsDependencies, registers: Registry[]): void {
  const labels = ['version', 'model', 'population'];
  gauge(
    'metaheac_info',
    'Versions of the service, and of the model and population that it serves.',
    registers,
    labels,
    (self) => {
      self.reset();
      const { model, population } = dependencies.served();
      self.set({ version: PACKAGE_VERSION, model: model.version, population: population.version }, 1);
    },
  );
}

function addStages({ onExpanded }: MetricsDependencies, registers: Registry[]): void {
  const stages = new Histogram({
    name: 'metaheac_expansion_stage_seconds',
    help: 'Time that a ready expansion spent in each stage.',
    labelNames: ['stage'],
    buckets: STAGE_BUCKETS_SECONDS,
    registers,
  });
  onExpanded((timings) => {
    for (const [stage, seconds] of Object.entries(timings)) stages.observe({ stage }, seconds);
  });
}

function addQueue({ store }: MetricsDependencies, registers: Registry[]): void {
  storeGauge(
    store,
    'metaheac_expansions',
    'Number of campaigns by the state of their latest expansion.',
    registers,
    ['state'],
    async (self) => {
      for (const [state, count] of Object.entries(await store.countsByState())) self.set({ state }, count);
    },
  );
  storeGauge(
    store,
    'metaheac_queue_depth',
    'Number of expansions that are waiting for the engine.',
    registers,
    [],
    async (self) => {
      self.set((await store.health.queue()).depth);
    },
  );
  storeGauge(
    store,
    'metaheac_queue_oldest_seconds',
    'Age of the oldest queued expansion in seconds.',
    registers,
    [],
    async (self) => {
      self.set((await store.health.queue()).oldestSeconds);
    },
  );
}

function addWebhooks({ store, webhooks }: MetricsDependencies, registers: Registry[]): void {
  storeGauge(
    store,
    'metaheac_webhook_deliveries_pending',
    'Number of webhook deliveries that are waiting or being sent.',
    registers,
    [],
    async (self) => {
      self.set(await store.outbox.pendingCount());
    },
  );
  const help = 'Number of webhook delivery attempts by outcome.';
  counter('metaheac_webhook_attempts_total', help, registers, ['outcome'], (self) => {
    for (const [outcome, count] of Object.entries(webhooks.counts())) self.inc({ outcome }, count);
  });
}

function addMachine({ machine, engine }: MetricsDependencies, registers: Registry[]): void {
  const help = 'Resident memory of each process in bytes.';
  gauge('metaheac_resident_memory_bytes', help, registers, ['process'], (self) => {
    self.reset();
    self.set({ process: 'api' }, machine.residentBytes());
    const { heartbeat } = engine();
    if (heartbeat) self.set({ process: 'engine' }, heartbeat.residentBytes);
  });
  const free = 'Free bytes on the disk of the data folder or, in a cluster, of the cache.';
  diskGauge('metaheac_disk_free_bytes', free, registers, () => machine.disk().freeBytes);
}

function addStorage({ storage }: MetricsDependencies, registers: Registry[]): void {
  const low = '1 while new work is refused because free disk space is below the reserve.';
  diskGauge('metaheac_disk_low', low, registers, () => (storage.disk().isLow ? 1 : 0));
  const reserve =
    'Size in bytes of the reserve file, which is removed to make room for deletions on a full disk; 0 while ' +
    'the file does not exist.';
  diskGauge('metaheac_reserve_file_bytes', reserve, registers, () => storage.reserveFileBytes());
  const givenUp = '1 while the reserve file does not exist; new work is refused in the meantime.';
  diskGauge('metaheac_reserve_given_up', givenUp, registers, () => (storage.isReserveGivenUp() ? 1 : 0));
  const help = 'Number of damaged files found since the service started. Damaged files are not served.';
  gauge('metaheac_damaged_files', help, registers, ['kind'], (self) => {
    for (const [kind, count] of Object.entries(storage.damaged())) self.set({ kind }, count);
  });
  const aside = 'Number of folders with files that were moved aside because the database had no record of them.';
  gauge('metaheac_set_aside_folders', aside, registers, [], async (self) => {
    self.set((await storage.setAside()).length);
  });
  gauge('metaheac_damage', 'Number of files that are damaged or missing at present.', registers, ['kind'], (self) => {
    for (const kind of Object.keys(storage.damaged())) self.set({ kind }, 0);
    for (const { kind } of storage.damage()) self.inc({ kind });
  });
  gauge(
    'metaheac_scrubbed_bytes',
    'Number of bytes read to verify files since the service started.',
    registers,
    [],
    (self) => {
      self.set(storage.scrubbed().bytes);
    },
  );
}

/**
 * A gauge that is omitted while the system does not report free disk space. /readyz says why, and all other metrics are
 * present.
 */
function diskGauge(name: string, help: string, registers: Registry[], read: () => number): void {
  gauge(name, help, registers, [], (self) => {
    try {
      self.set(read());
    } catch {
      self.remove();
    }
  });
}
