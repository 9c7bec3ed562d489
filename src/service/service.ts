/** The service without HTTP: its store, engine, upkeep and webhooks. `serve` and tests start it. */
import { RankingCache } from '../audience/ranking-cache.ts';
import type { ServiceClock } from '../lib/service-clock.ts';
import type { TelemetrySettings } from '../lib/tracing.ts';
import { viewOf } from '../population/read.ts';
import { openStore } from '../storage/open-store.ts';
import { thisMachine } from './machine.ts';
import { openFileLimit } from './open-files.ts';
import type { Service } from './ports/service.ts';
import { ModelActivation } from './served/model-activation.ts';
import { PopulationActivation } from './served/population-activation.ts';
import { FileRecord } from './served/served-record.ts';
import { ServedState } from './served/served-state.ts';
import { superviseEngine } from './service-engine.ts';
import {
  type Closers,
  openExplainer,
  openExporter,
  openReads,
  openWebhooks,
  retentionOf,
  startEraser,
  withClosers,
} from './service-parts.ts';
import { openTelemetryOf } from './service-telemetry.ts';
import { keepTime, openServiceClock } from './service-time.ts';
import { refuseStart, Start, type StartOptions } from './start-checks.ts';
import { startHousekeeping } from './upkeep/housekeeping.ts';
import { type DamagedRows, giveUp, keepReserve, lockFolder, startUpkeep, takeOver } from './upkeep/service-upkeep.ts';

export interface ServiceOptions extends StartOptions {
  /** Whether to move the remaining files aside and begin with an empty database if the database is missing. */
  readonly adopt?: boolean;
  /** Whether to serve each version that an import makes current. */
  readonly followPopulation?: boolean;
  readonly logLevel: string;
  /** Whether to write log lines for people instead of JSON. */
  readonly prettyLogs?: boolean;
  /** Settings for the export of telemetry; null for no export. */
  readonly telemetry?: TelemetrySettings | null;
}

/**
 * Opens all parts of a service, which can then be called through its ports. Before `start`, nothing is expanded and no
 * webhook is called. If this function throws, it has closed everything that it opened.
 * @throws AppError invalid_argument, invalid_model, invalid_population, storage_failed; unavailable if another service
 * is using the data folder
 */
export async function openService(given: ServiceOptions): Promise<Service> {
  const start = new Start(given, openFileLimit());
  await refuseStart(start, 'first');
  const options = { ...given, ...start.options };
  return withClosers((closers) => openParts(options, start, closers));
}

/** Options of the parts, which share one clock. */
type PartOptions = ServiceOptions & { readonly clock: ServiceClock };

/** Opens the parts in order. Each part pushes a close function onto `closers`; these are called in reverse order. */
async function openParts(given: ServiceOptions, start: Start, closers: Closers): Promise<Omit<Service, 'close'>> {
  const { logger } = given;
  const { models: history, limits, locator } = start;
  const clock = openServiceClock({ ...given, settleMs: limits.clockSettleMs });
  const options = { ...given, clock };
  const { telemetry, store, rows, keeper, disk, rankings } = await openFolder(options, start, closers);
  const served = new ServedState(history.served, start.population);
  const population = viewOf(() => served.now.population);
  const supervisor = superviseEngine(options, { served, models: history.models }, { store, locator, keeper }, limits);
  const record = new FileRecord(history, options.population);
  const models = new ModelActivation({ start: history, record, served, store, supervisor, logger, clock });
  closers.push(() => models.close());
  const populations = new PopulationActivation({ folder: options.population, record, served, logger });
  closers.push(() => populations.close());
  closers.push(() => supervisor.stop());
  const wake = () => supervisor.wake();
  const onLost = () => {
    supervisor.drain();
    void webhooks.stop();
  };
  const parts = { disk, keeper, store, locator, rankings, served, wake, rows, onLost };
  const storage = await startUpkeep(options, limits, parts, closers);
  closers.push(
    startHousekeeping({
      ...{ store, rankings, wake, logger, clock, ...retentionOf(limits) },
      populationVersion: () => served.now.population.version,
      hasRoom: () => !disk.state().isLow,
    }),
  );
  const eraser = startEraser(options, store, population, limits, closers);
  const customisedModels = openExporter(served, history.models, locator);
  closers.push(() => customisedModels.close());
  const explainer = openExplainer(options.population, limits, locator);
  closers.push(() => explainer.close());
  const webhooks = openWebhooks(options, store, telemetry?.isTracing ? telemetry : null, limits);
  return {
    limits,
    ports: {
      ...openReads(store, rankings, closers),
      ...{ store, population, models, populations, customisedModels, eraser, explainer, storage, webhooks },
      served: () => served.now,
      engine: () => supervisor.state,
      estimates: supervisor,
      onExpanded: (listener) => supervisor.onExpanded(listener),
      machine: thisMachine(options.dataDir),
      ...{ wake, telemetry, logger, clock, shared: null },
    },
    start: () => {
      webhooks.start();
      if (options.followPopulation) populations.follow();
      const ready = supervisor.start();
      ready.catch(() => {}); // an unobserved rejection must not crash the process: `/readyz` reports it too
      return ready;
    },
    drain: () => {
      supervisor.drain();
      return webhooks.stop();
    },
  };
}

/** Opens the contents of the data folder, which this service has locked. */
async function openFolder(options: PartOptions, start: Start, closers: Closers) {
  const { limits: config, locator } = start;
  const { clock, logger } = options;
  const { minimumSeeds, leaseMs, maximumAttempts, openRankings, rankingMemoryBytes } = config;
  closers.push(await lockFolder(locator, options, () => refuseStart(start, 'locked')));
  const telemetry = await openTelemetryOf(options, closers);
  const traceparent = () => telemetry?.current() ?? null;
  const rows: DamagedRows = { report: () => {} };
  const store = await openStore(locator, {
    ...{ clock, minimumSeeds, leaseMs, maximumAttempts, traceparent, saves: true },
    onDamagedRow: (row) => rows.report(row),
  });
  closers.push(() => store.close());
  closers.push(keepTime(clock, store, logger));
  const hasKeys = await store.apiKeys.exist();
  await refuseStart(start, 'opened', () => hasKeys);
  const keeper = keepReserve(store, locator, logger, config);
  closers.push(() => keeper.close());
  const disk = await takeOver(store, locator, options, config, keeper);
  closers.push(() => giveUp(store, logger));
  const rankings = new RankingCache(store.blobs, { openRankings, memoryBytes: rankingMemoryBytes });
  closers.push(() => rankings.closeAll());
  return { telemetry, store, rows, keeper, disk, rankings };
}
