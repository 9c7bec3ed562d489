/** The composition root of the service: store, engine, server. `serve` and tests start it. */

import { existsSync, realpathSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { resolve } from 'node:path';
import { RankingCache } from '../audience/ranking-cache.ts';
import type { CampaignStore, StoreLocator } from '../campaigns/ports/store.ts';
import type { Clock } from '../lib/clock.ts';
import { AppError, messageOf } from '../lib/errors.ts';
import type { Logger } from '../lib/logging.ts';
import type { Telemetry, Tracer } from '../lib/tracing.ts';
import { type ModelFolder, readModelFolder } from '../model/folder.ts';
import { featureOf } from '../model/manifest.ts';
import type { Population } from '../population/population.ts';
import { buildServer } from '../server/app.ts';
import type { CampaignFeature } from '../server/campaigns/port.ts';
import { DEFAULT_SERVER_CONFIG, type ServerConfig } from '../server/config.ts';
import type { ServerDependencies } from '../server/dependencies.ts';
import { thisMachine } from '../server/health/machine.ts';
import { requireKeyFor } from '../server/http/auth.ts';
import type { ServerApp } from '../server/http/fastify-types.ts';
import type { ValueList } from '../server/information/feature-values.ts';
import type { Limits } from '../server/limits.ts';
import { createAddressGuard } from '../server/webhooks/address-guard.ts';
import { WebhookDispatcher } from '../server/webhooks/dispatcher.ts';
import { locateStore, lockStore, openStore } from '../store/open-store.ts';
import { AudienceExplainer } from '../worker/audience-explainer.ts';
import { ModelExporter } from '../worker/model-export.ts';
import { EngineSupervisor } from '../worker/supervisor.ts';
import { defaultThreads } from './environment.ts';
import { startHousekeeping } from './housekeeping.ts';
import { describeModel, valuesOf } from './model-facts.ts';
import { PopulationSwitch } from './population-switch.ts';
import { ServiceEraser } from './user-eraser.ts';

export interface ServiceOptions {
  readonly dataDir: string;
  readonly model: string;
  readonly population: string;
  /** Whether to serve whatever version an import makes current. */
  readonly followPopulation?: boolean;
  readonly host: string;
  readonly port: number;
  readonly apiKey: string | null;
  readonly device: string;
  /** The number of engine threads; null means one per processor. */
  readonly threads: number | null;
  readonly logLevel: string;
  readonly limits: Partial<Limits>;
  /** Where telemetry goes (OTLP over HTTP); null for nowhere. */
  readonly otlpEndpoint?: string | null;
  /** Hosts and CIDRs that webhooks may go to although they are not public. */
  readonly webhookAllowedHosts: readonly string[];
  readonly logger: Logger;
  readonly clock: Clock;
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
  requireKeyFor(given.host, given.apiKey);
  // a link may name another model when the engine starts again
  const options = existsSync(given.model) ? { ...given, model: realpathSync(given.model) } : given;
  const model = readModelFolder(options.model);
  const { population: folder, logger } = options;
  const populations = new PopulationSwitch({ folder, model, logger });
  const closers: (() => Promise<void> | void)[] = [];
  const close = async () => {
    while (closers.length > 0) await closers.pop()!();
  };
  try {
    return await startParts(options, model, populations, closers, close);
  } catch (error) {
    await close();
    throw error;
  }
}

/** Starts part after part; each pushes its close function, to be called in reverse order, onto `closers`. */
async function startParts(
  options: ServiceOptions,
  model: ModelFolder,
  populations: PopulationSwitch,
  closers: (() => Promise<void> | void)[],
  close: () => Promise<void>,
): Promise<Service> {
  const { logger, clock } = options;
  const config: ServerConfig = { ...DEFAULT_SERVER_CONFIG, ...options.limits, apiKey: options.apiKey };
  const { minimumSeeds, leaseMs, maximumAttempts, openRankings, rankingMemoryBytes } = config;
  const locator = locateStore(options.dataDir);
  closers.push(lockStore(locator));
  const telemetry = await openTelemetryOf(options, closers);
  const traceparent = () => telemetry?.current() ?? null;
  const store = openStore(locator, { clock, minimumSeeds, leaseMs, maximumAttempts, traceparent });
  closers.push(() => store.close());
  takeOver(store, logger);
  const rankings = new RankingCache(store.blobs, { openRankings, memoryBytes: rankingMemoryBytes });
  closers.push(() => rankings.closeAll());
  closers.push(() => populations.close());
  const { served: population } = populations;
  const supervisor = superviseEngine(options, model, population, { store, locator }, config);
  populations.onSwitch((version) => supervisor.usePopulation(version));
  closers.push(() => supervisor.stop());
  const populationVersion = () => population.version;
  const wake = () => supervisor.wake();
  const retention = { versions: config.retainedVersions, days: config.retainedDays };
  closers.push(startHousekeeping({ store, rankings, populationVersion, retention, wake, logger }));
  const eraser = startEraser(options, store, population, config, closers);
  const exporter = openExporter(options, model, locator);
  closers.push(() => exporter.close());
  const explainer = openExplainer(options, config, locator);
  closers.push(() => explainer.close());
  const webhooks = openWebhooks(options, store, telemetry, config);
  const server = await buildServer({
    store,
    rankings,
    population,
    campaignFeatures: campaignFeaturesOf(model),
    modelVersion: model.manifest.version,
    model: describeModel(model.manifest),
    populations,
    customisedModels: exporter,
    eraser,
    explainer,
    wake,
    ...engineOf(supervisor),
    machine: thisMachine(options.dataDir),
    webhooks,
    telemetry,
    logger,
    clock,
    config,
  });
  // concurrently: each has the same time to finish work in flight
  closers.push(async () => void (await Promise.all([server.close(), webhooks.stop()])));
  await listen(server, options);
  webhooks.start();
  if (options.followPopulation) populations.follow();
  const engineReady = supervisor.start();
  engineReady.catch(() => {}); // an unobserved rejection must not crash the process: `/readyz` reports it too
  return { url: urlOf(server, options.host), engineReady, close };
}

function engineOf(supervisor: EngineSupervisor): Pick<ServerDependencies, 'engine' | 'estimates' | 'onExpanded'> {
  return {
    engine: () => supervisor.state,
    estimates: supervisor,
    onExpanded: (listener) => supervisor.onExpanded(listener),
  };
}

/** Releases the jobs that a previous service left running. */
function takeOver(store: CampaignStore, logger: Logger): void {
  store.userSets.removeLeftovers();
  const released = store.releaseAll();
  if (released > 0) logger.warn({ jobs: released }, 'jobs of a previous service are back in the queue');
}

/** Loaded where it is wanted. It is closed after all that it is told of. */
async function openTelemetryOf(
  { otlpEndpoint: endpoint = null, clock, logger }: ServiceOptions,
  closers: (() => Promise<void> | void)[],
): Promise<Telemetry | null> {
  if (endpoint === null) return null;
  const { openTelemetry } = await import('../telemetry/open.ts');
  const telemetry = openTelemetry({ endpoint, process: 'api', clock, logger });
  closers.push(() => telemetry.close());
  return telemetry;
}

function startEraser(
  { logger }: ServiceOptions,
  store: CampaignStore,
  population: Population,
  { maximumWaitingErasures: maximumWaiting }: ServerConfig,
  closers: (() => Promise<void> | void)[],
): ServiceEraser {
  const eraser = new ServiceEraser({ store, population, maximumWaiting, logger });
  closers.push(() => eraser.close());
  eraser.watch();
  return eraser;
}

function openWebhooks(
  { webhookAllowedHosts, logger, clock }: ServiceOptions,
  { outbox }: CampaignStore,
  tracer: Tracer | null,
  config: ServerConfig,
): WebhookDispatcher {
  const guard = createAddressGuard(webhookAllowedHosts);
  return new WebhookDispatcher({ outbox, guard, logger, clock, tracer, config });
}

function superviseEngine(
  options: ServiceOptions,
  model: ModelFolder,
  population: Population,
  { store, locator }: { readonly store: CampaignStore; readonly locator: StoreLocator },
  { minimumSeeds, leaseMs, maximumAttempts }: ServerConfig,
): EngineSupervisor {
  return new EngineSupervisor(
    {
      store: locator,
      model: resolve(options.model),
      population: resolve(options.population),
      modelVersion: model.manifest.version,
      populationVersion: population.version,
      device: options.device,
      threads: options.threads ?? defaultThreads(),
      minimumSeeds,
      leaseMs,
      maximumAttempts,
      logLevel: options.logLevel,
      otlpEndpoint: options.otlpEndpoint ?? null,
    },
    store,
    options.logger,
  );
}

function openExporter({ model }: ServiceOptions, { manifest }: ModelFolder, store: StoreLocator): ModelExporter {
  return new ModelExporter({ model: resolve(model), modelVersion: manifest.version, store });
}

function openExplainer(options: ServiceOptions, config: ServerConfig, store: StoreLocator): AudienceExplainer {
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

/** Of a feature of numbers. */
const NO_VALUES: ValueList = { size: 1, token: () => '' };

function campaignFeaturesOf({ manifest, vocabularies }: ModelFolder): CampaignFeature[] {
  return manifest.features.campaign.map((feature) => {
    const vocabulary = vocabularies.get(`campaign.${feature.name}`);
    return {
      ...featureOf(feature),
      isKnown: (value) => vocabulary !== undefined && vocabulary.find(value) !== 0,
      values: vocabulary ? valuesOf(vocabulary) : NO_VALUES,
    };
  });
}

async function listen(server: ServerApp, { host, port }: ServiceOptions): Promise<void> {
  try {
    await server.listen({ host, port });
  } catch (error) {
    throw new AppError(
      'unavailable',
      `cannot listen on ${host}:${port}: ${(error as NodeJS.ErrnoException).code ?? messageOf(error)}`,
      { cause: error },
    );
  }
}

function urlOf({ server }: ServerApp, host: string): string {
  const { port } = server.address() as AddressInfo;
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
