/** Prometheus metrics of one server, in its own registry. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { ServerDependencies } from '../dependencies.ts';
import type { Answered } from '../http/request-log.ts';
import { RequestMetrics } from './request-metrics.ts';

export interface ServerMetrics {
  /** Counts a response by the route's pattern. */
  observe(answered: Answered): void;
  /** Currently open streams. */
  readonly openStreams: Gauge;
  /** The Prometheus text; values from the store are read at this moment. */
  render(): Promise<{ readonly contentType: string; readonly text: string }>;
}

type MetricsNeeds = Pick<ServerDependencies, 'engine' | 'storage' | 'onExpanded' | 'webhooks'> & {
  readonly store: Pick<ServerDependencies['store'], 'countsByState' | 'oldestQueuedSeconds' | 'outbox'>;
};

/** From what finding rows takes of a small population to an hour of scoring. */
const STAGE_BUCKETS_SECONDS = [0.005, 0.05, 0.2, 1, 5, 20, 60, 300, 1200, 3600];

/** Metrics that start at zero. */
export function createMetrics(dependencies: MetricsNeeds): ServerMetrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const requests = new RequestMetrics();
  const openStreams = new Gauge({
    name: 'metaheac_audience_streams',
    help: 'Open streams of audiences, differences and user ids.',
    registers,
  });
  addStages(dependencies, registers);
  addServiceGauges(dependencies, registers);
  addStorage(dependencies, registers);
  return {
    observe: requests.observe,
    openStreams,
    render: async () => ({ contentType: registry.contentType, text: (await registry.metrics()) + requests.render() }),
  };
}

function addStages({ onExpanded }: MetricsNeeds, registers: Registry[]): void {
  const stages = new Histogram({
    name: 'metaheac_expansion_stage_seconds',
    help: 'Time that an expansion spent in each stage, once it is ready.',
    labelNames: ['stage'],
    buckets: STAGE_BUCKETS_SECONDS,
    registers,
  });
  onExpanded((timings) => {
    for (const [stage, seconds] of Object.entries(timings)) stages.observe({ stage }, seconds);
  });
}

function addServiceGauges({ store, engine, webhooks }: MetricsNeeds, registers: Registry[]): void {
  gauge('metaheac_expansions', 'Latest expansion of each campaign, by state.', registers, ['state'], (self) => {
    for (const [state, count] of Object.entries(store.countsByState())) self.set({ state }, count);
  });
  gauge('metaheac_queue_oldest_seconds', 'Age of the oldest queued expansion.', registers, [], (self) => {
    self.set(store.oldestQueuedSeconds());
  });
  gauge('metaheac_engine_ready', '1 while the engine takes jobs.', registers, [], (self) => {
    self.set(engine().ready ? 1 : 0);
  });
  gauge('metaheac_engine_restarts_total', 'How often the engine was restarted.', registers, [], (self) => {
    self.set(engine().restarts);
  });
  gauge('metaheac_webhook_deliveries_pending', 'Webhook deliveries waiting or being sent.', registers, [], (self) => {
    self.set(store.outbox.pendingCount());
  });
  new Counter({
    name: 'metaheac_webhook_attempts_total',
    help: 'Webhook delivery attempts by outcome.',
    labelNames: ['outcome'],
    registers,
    collect() {
      this.reset();
      for (const [outcome, count] of Object.entries(webhooks.counts())) this.inc({ outcome }, count);
    },
  });
}

function addStorage({ storage }: MetricsNeeds, registers: Registry[]): void {
  gauge('metaheac_disk_free_bytes', 'Free bytes on the disk of the data folder.', registers, [], (self) => {
    self.set(storage.disk().freeBytes);
  });
  gauge('metaheac_disk_low', '1 while new work is refused: less is free than the reserve.', registers, [], (self) => {
    self.set(storage.disk().isLow ? 1 : 0);
  });
  const help = 'Damaged files that were found since the start, none of which is served.';
  gauge('metaheac_damaged_files', help, registers, ['kind'], (self) => {
    for (const [kind, count] of Object.entries(storage.damaged())) self.set({ kind }, count);
  });
  gauge('metaheac_scrubbed_bytes', 'Bytes that were read to verify files since the start.', registers, [], (self) => {
    self.set(storage.scrubbed().bytes);
  });
}

function gauge(
  name: string,
  help: string,
  registers: Registry[],
  labelNames: readonly string[],
  collect: (self: Gauge) => void,
): void {
  new Gauge({
    name,
    help,
    labelNames: [...labelNames],
    registers,
    collect() {
      collect(this);
    },
  });
}
