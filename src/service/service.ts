/** The service of a data folder, without HTTP. `serve` and tests start it. */
import type { ServiceClock } from '../lib/service-clock.ts';
import { openStore } from '../storage/open-store.ts';
import { withClosers } from './closers.ts';
import { composeService } from './composition.ts';
import { openFileLimit } from './open-files.ts';
import type { Service } from './ports/service.ts';
import { FileRecord } from './served/served-record.ts';
import { ServedState } from './served/served-state.ts';
import { type EngineOptions, forkInAdvance, superviseEngine } from './service-engine.ts';
import { openTelemetryOf } from './service-telemetry.ts';
import { keepTime, openServiceClock } from './service-time.ts';
import { refuseStart, Start, type StartOptions } from './start-checks.ts';
import { type DamagedRows, giveUp, keepReserve, lockFolder, takeOver } from './upkeep/service-upkeep.ts';

export interface ServiceOptions extends StartOptions, EngineOptions {
  /** Whether to move the remaining files aside and begin with an empty database if the database is missing. */
  readonly adopt?: boolean;
  /** Whether to start the engine's process before anything is verified. Then `start` must follow soon. */
  readonly startsEngineEarly?: boolean;
  /** Whether to serve each version that an import makes current. */
  readonly followPopulation?: boolean;
}

/**
 * Opens all parts of a service, which can then be called through its ports. Before `start`, nothing is expanded and no
 * webhook is called. If this function throws, it has closed everything that it opened.
 * @throws AppError invalid_argument, invalid_model, invalid_population, storage_failed; unavailable if another service
 * is using the data folder
 */
export async function openService(given: ServiceOptions): Promise<Service> {
  return withClosers(async (closers) => {
    const forked = given.startsEngineEarly ? forkInAdvance(closers) : null;
    const start = new Start(given, openFileLimit());
    await refuseStart(start, 'first');
    return await compose({ ...given, ...start.options, forked }, start, closers);
  });
}

/** Each part pushes a close function onto `closers`; these are called in reverse order. */
async function compose(
  given: ServiceOptions,
  start: Start,
  closers: AsyncDisposableStack,
): Promise<Omit<Service, 'close'>> {
  const { models: history, limits, locator } = start;
  const clock = openServiceClock({ ...given, settleMs: limits.clockSettleMs });
  const options = { ...given, clock };
  const {
    logger,
    population,
    webhookAllowedHosts,
    destinationsRoot,
    followPopulation: followsFolder = false,
  } = options;
  const opened = await openFolder(options, start, closers);
  const served = new ServedState(history.served, start.population);
  const own = { ...opened, clock, locator, served, limits };
  const supervisor = superviseEngine(options, { ...own, models: history.models, population });
  return composeService(
    {
      ...{ ...own, logger, webhookAllowedHosts, destinationsRoot, history, supervisor, followsFolder },
      record: new FileRecord(history, population),
      populationFolder: population,
      scrubbedFolder: population,
      folder: options.dataDir,
      hasEngine: true,
      engine: () => supervisor.state,
      populationVersion: () => served.now.population.version,
      hasRoom: () => !opened.disk.state().isLow,
      shared: null,
    },
    closers,
  );
}

/** Opens the contents of the data folder, which this service has locked. */
async function openFolder(
  options: ServiceOptions & { readonly clock: ServiceClock },
  start: Start,
  closers: AsyncDisposableStack,
) {
  const { limits: config, locator } = start;
  const { clock, logger } = options;
  const { minimumSeeds, leaseMs, maximumAttempts } = config;
  closers.defer(await lockFolder(locator, options, () => refuseStart(start, 'locked')));
  const telemetry = await openTelemetryOf(options, closers);
  const traceparent = () => telemetry?.current() ?? null;
  const rows: DamagedRows = { report: () => {} };
  const store = await openStore(locator, {
    ...{ clock, minimumSeeds, leaseMs, maximumAttempts, traceparent, saves: true },
    onDamagedRow: (row) => rows.report(row),
  });
  closers.defer(() => store.close());
  closers.defer(keepTime(clock, store, logger));
  const hasKeys = await store.apiKeys.exist();
  await refuseStart(start, 'opened', () => hasKeys);
  const keeper = keepReserve(store, locator, logger, config);
  closers.defer(() => keeper.close());
  const disk = await takeOver(store, locator, options, config, keeper);
  closers.defer(() => giveUp(store, logger));
  return { telemetry, store, rows, keeper, disk };
}
