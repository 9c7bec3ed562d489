/** The composition root of the service: store, engine, server. `serve` and tests start it. */

import type { AddressInfo } from 'node:net';
import { resolve } from 'node:path';
import { RankingCache } from '../audience/ranking-cache.ts';
import type { CampaignStore, StoreLocator } from '../domain/ports/store.ts';
import { buildServer } from '../http/app.ts';
import type { ServerDependencies } from '../http/dependencies.ts';
import { thisMachine } from '../http/health/machine.ts';
import { openFileLimit } from '../http/plugins/connections/descriptors.ts';
import type { ServerApp } from '../http/plugins/fastify-types.ts';
import type { ServiceClock } from '../lib/service-clock.ts';
import type { TelemetrySettings, Tracer } from '../lib/tracing.ts';
import type { Population } from '../population/read/population.ts';
import { openStore } from '../storage/open-store.ts';
import type { ServiceConfig } from './limits.ts';
import type { ModelSwitch } from './model-switch.ts';
import { engineOf, superviseEngine } from './service-engine.ts';
import { openTelemetryOf } from './service-telemetry.ts';
import { keepTime, openServiceClock } from './service-time.ts';
import { cannotListen, refuseStart, Start, type StartOptions } from './start-checks.ts';
import { AudienceExplainer } from './threads/audience-explainer.ts';
import { ModelExporter } from './threads/model-export.ts';
import { startHousekeeping } from './upkeep/housekeeping.ts';
import { type DamagedRows, giveUp, keepReserve, lockFolder, startUpkeep, takeOver } from './upkeep/service-upkeep.ts';
import { ServiceEraser } from './upkeep/user-eraser.ts';
import { createAddressGuard } from './webhooks/address-guard.ts';
import { WebhookDispatcher } from './webhooks/dispatcher.ts';

export interface ServiceOptions extends StartOptions {
  /** Whether files whose database is gone are moved aside, to begin with an empty one. */
  readonly adopt?: boolean;
  /** Whether to serve whatever version an import makes current. */
  readonly followPopulation?: boolean;
  readonly logLevel: string;
  /** Log in lines for people. */
  readonly prettyLogs?: boolean;
  /** How telemetry is exported; null: not at all. */
  readonly telemetry?: TelemetrySettings | null;
}

export interface Service {
  readonly url: string;
  /**
   * Resolves when the engine is ready; rejects if it refuses something; never settles if the service was closed before.
   */
  readonly engineReady: Promise<void>;
  /** Ends requests, the engine and the store, in that order. */
  close(): Promise<void>;
}

/**
 * Starts the API at once; `/readyz` says when the engine is ready too. If it throws, nothing is left behind.
 * @throws AppError invalid_argument, invalid_model, invalid_population, storage_failed; unavailable: the data folder or
 * the port is taken.
 */
export async function startService(given: ServiceOptions): Promise<Service> {
  const start = new Start(given, openFileLimit());
  refuseStart(start, 'first');
  const options = { ...given, ...start.options };
  const closers: (() => Promise<void> | void)[] = [];
  const close = async () => {
    while (closers.length > 0) await closers.pop()!();
  };
  try {
    return await startParts(options, start, closers, close);
  } catch (error) {
    await close();
    throw error;
  }
}

/** The options of its parts, which have one clock. */
type PartOptions = ServiceOptions & { readonly clock: ServiceClock };

/** Starts part after part; each pushes its close function, to be called in reverse order, onto `closers`. */
async function startParts(
  given: ServiceOptions,
  start: Start,
  closers: (() => Promise<void> | void)[],
  close: () => Promise<void>,
): Promise<Service> {
  const { logger } = given;
  const { models, populations, config, locator } = start;
  const clock = openServiceClock({ ...given, settleMs: config.clockSettleMs });
  const options = { ...given, clock };
  const { telemetry, store, rows, keeper, disk, rankings } = await openFolder(options, start, closers);
  models.settle();
  closers.push(() => models.close());
  closers.push(() => populations.close());
  const { served: population } = populations;
  const supervisor = superviseEngine(options, models, population, { store, locator, keeper }, config);
  models.connect({ store, populations, supervisor });
  const onPopulation = (listener: () => void) =>
    populations.onSwitch((version) => {
      supervisor.usePopulation(version);
      listener();
    });
  closers.push(() => supervisor.stop());
  const populationVersion = () => population.version;
  const wake = () => supervisor.wake();
  const onLost = () => {
    supervisor.drain();
    void webhooks.stop();
  };
  const parts = { disk, keeper, store, locator, rankings, population, wake, onPopulation, rows, onLost };
  const storage = startUpkeep(options, config, parts, closers);
  const hasRoom = () => !disk.state().isLow;
  const housekeeping = { store, rankings, populationVersion, hasRoom, ...retentionOf(config), wake, logger, clock };
  closers.push(startHousekeeping(housekeeping));
  const eraser = startEraser(options, store, population, config, closers);
  const exporter = openExporter(models, locator);
  closers.push(() => exporter.close());
  const explainer = openExplainer(options, config, locator);
  closers.push(() => explainer.close());
  const webhooks = openWebhooks(options, store, telemetry?.isTracing ? telemetry : null, config);
  const server = await openServer(options, models, config, {
    ...{ store, rankings, population, populations, customisedModels: exporter, eraser, explainer, wake, webhooks },
    ...engineOf(supervisor),
    ...{ storage, machine: thisMachine(options.dataDir), telemetry },
  });
  // concurrently: each has the same time to finish work in flight
  closers.push(async () => {
    supervisor.drain();
    await Promise.all([server.close(), webhooks.stop()]);
  });
  await listen(server, options);
  webhooks.start();
  if (options.followPopulation) populations.follow();
  const engineReady = supervisor.start();
  engineReady.catch(() => {}); // an unobserved rejection must not crash the process: `/readyz` reports it too
  return { url: urlOf(server, options.host), engineReady, close };
}

/** What is in the data folder, which is this service's alone from now on. */
async function openFolder(options: PartOptions, start: Start, closers: (() => Promise<void> | void)[]) {
  const { config, locator } = start;
  const { clock, logger } = options;
  const { minimumSeeds, leaseMs, maximumAttempts, openRankings, rankingMemoryBytes } = config;
  closers.push(lockFolder(locator, options, () => refuseStart(start, 'locked')));
  const telemetry = await openTelemetryOf(options, closers);
  const traceparent = () => telemetry?.current() ?? null;
  const rows: DamagedRows = { report: () => {} };
  const store = openStore(locator, {
    ...{ clock, minimumSeeds, leaseMs, maximumAttempts, traceparent, saves: true },
    onDamagedRow: (row) => rows.report(row),
  });
  closers.push(() => store.close());
  closers.push(keepTime(clock, store, logger));
  refuseStart(start, 'opened', () => store.apiKeys.exist());
  const keeper = keepReserve(store, locator, logger, config);
  closers.push(() => keeper.close());
  const disk = takeOver(store, locator, options, config, keeper);
  closers.push(() => giveUp(store, logger));
  const rankings = new RankingCache(store.blobs, { openRankings, memoryBytes: rankingMemoryBytes });
  closers.push(() => rankings.closeAll());
  return { telemetry, store, rows, keeper, disk, rankings };
}

function retentionOf({ retainedVersions: versions, retainedDays: days, auditRetainedDays: auditDays }: ServiceConfig) {
  return { retention: { versions, days }, auditDays };
}

/** What a server is built of, beside the served model. */
type ServerParts = Omit<
  ServerDependencies,
  'campaignFeatures' | 'modelVersion' | 'model' | 'models' | 'logger' | 'clock' | 'config'
>;

function openServer(
  { logger, clock }: PartOptions,
  models: ModelSwitch,
  config: ServiceConfig,
  parts: ServerParts,
): Promise<ServerApp> {
  return buildServer({
    ...parts,
    // of the model that is served when they are read
    get campaignFeatures() {
      return models.campaignFeatures;
    },
    get modelVersion() {
      return models.version;
    },
    get model() {
      return models.facts;
    },
    ...{ models, logger, clock, config },
  });
}

function startEraser(
  { logger }: ServiceOptions,
  store: CampaignStore,
  population: Population,
  { maximumWaitingErasures: maximumWaiting }: ServiceConfig,
  closers: (() => Promise<void> | void)[],
): ServiceEraser {
  const eraser = new ServiceEraser({ store, population, maximumWaiting, logger });
  closers.push(() => eraser.close());
  eraser.watch();
  return eraser;
}

function openWebhooks(
  { webhookAllowedHosts, logger, clock }: PartOptions,
  { outbox }: CampaignStore,
  tracer: Tracer | null,
  config: ServiceConfig,
): WebhookDispatcher {
  const guard = createAddressGuard(webhookAllowedHosts);
  return new WebhookDispatcher({ outbox, guard, logger, clock, tracer, config });
}

function openExporter(models: ModelSwitch, store: StoreLocator): ModelExporter {
  return new ModelExporter({
    get model() {
      return resolve(models.folder.path);
    },
    get modelVersion() {
      return models.version;
    },
    models: models.models,
    store,
  });
}

function openExplainer(options: ServiceOptions, config: ServiceConfig, store: StoreLocator): AudienceExplainer {
  return new AudienceExplainer({
    population: resolve(options.population),
    store,
    limits: {
      tokens: config.maximumExplanationTokens,
      minimumGroupUsers: config.minimumDisparityGroupUsers,
      minimumDisparityPercent: config.minimumDisparityPercent,
    },
  });
}

async function listen(server: ServerApp, { host, port }: ServiceOptions): Promise<void> {
  try {
    await server.listen({ host, port });
  } catch (error) {
    throw cannotListen({ host, port }, error);
  }
}

function urlOf({ server }: ServerApp, host: string): string {
  const { port } = server.address() as AddressInfo;
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
