/** Assembles a service, alone or as a node of a cluster, from its store, its served versions and its engine. */
import { join, resolve } from 'node:path';
import { RankingCache } from '../audience/ranking-cache.ts';
import { RANKING_READS } from '../audience/reads.ts';
import { StreamEncoder } from '../audience/stream/stream-encoder.ts';
import { UserAudiences } from '../audience/user-audiences.ts';
import { leadershipOf } from '../domain/ports/cluster.ts';
import { matchedBy } from '../domain/user-sets.ts';
import type { EngineSupervisor } from '../engine/supervisor.ts';
import type { ServiceClock } from '../lib/service-clock.ts';
import type { Telemetry } from '../lib/tracing.ts';
import { type Population, viewOf } from '../population/read.ts';
import { OnDemandEngine } from './cluster/on-demand-engine.ts';
import { DestinationWriter } from './destinations/destination-writer.ts';
import type { Limits } from './limits.ts';
import { thisMachine } from './machine.ts';
import type { EngineStatus, SharedStatus } from './ports/health.ts';
import type { Service } from './ports/service.ts';
import { ModelActivation } from './served/model-activation.ts';
import type { ModelHistory } from './served/model-history.ts';
import { PopulationActivation } from './served/population-activation.ts';
import type { ServedRecord } from './served/served-record.ts';
import { AudienceExplainer } from './threads/audience-explainer.ts';
import { ModelExporter } from './threads/model-export.ts';
import { type HousekeepingOptions, startHousekeeping } from './upkeep/housekeeping.ts';
import { startUpkeep, type UpkeepDependencies } from './upkeep/service-upkeep.ts';
import { type EraserOptions, ServiceEraser } from './upkeep/user-eraser.ts';
import { createAddressGuard } from './webhooks/address-guard.ts';
import { WebhookDispatcher } from './webhooks/dispatcher.ts';

/** The dependencies of a service, and what differs between a service with a data folder and a node of a cluster. */
export interface ServiceDependencies
  extends Omit<UpkeepDependencies, 'rankings' | 'wake' | 'onLost' | 'clock'>,
    Pick<HousekeepingOptions, 'populationVersion' | 'hasRoom'> {
  readonly limits: Limits;
  readonly clock: ServiceClock;
  readonly telemetry: Telemetry | null;
  /** Non-public hosts and CIDRs that webhooks may call. */
  readonly webhookAllowedHosts: readonly string[];
  /** The folder below which destinations may write. By default, folders cannot be destinations. */
  readonly destinationsRoot?: string | null | undefined;
  readonly record: ServedRecord;
  /** The folder of models, and the model that the service was started with. */
  readonly history: Pick<ModelHistory, 'models' | 'given'>;
  /** Folder of all versions of the population. */
  readonly populationFolder: string;
  /** Whether to serve each version that an import makes current in that folder. */
  readonly followsFolder: boolean;
  readonly supervisor: EngineSupervisor;
  /**
   * Whether the engine starts with the service. Otherwise it starts when an estimate or the check of a model needs it.
   */
  readonly hasEngine: boolean;
  /** The status of the engine, or of the cluster's engines, that the API reports. */
  readonly engine: () => EngineStatus;
  /** A folder on the disk that the service writes to. */
  readonly folder: string;
  /** How a cluster erases users from the population. */
  readonly erasure?: Pick<EraserOptions, 'erasePopulation' | 'kept'>;
  /** null for a service that is not a node of a cluster. */
  readonly shared: SharedStatus | null;
}

/** Opens the remaining parts. Each part pushes a close function onto `closers`; these are called in reverse order. */
export async function composeService(
  dependencies: ServiceDependencies,
  closers: AsyncDisposableStack,
): Promise<Omit<Service, 'close'>> {
  const { limits, store, telemetry, logger, clock, served, supervisor, hasEngine } = dependencies;
  const rankings = new RankingCache(store.blobs, {
    openRankings: limits.openRankings,
    memoryBytes: limits.rankingMemoryBytes,
  });
  closers.defer(() => rankings.closeAll());
  const population = viewOf(() => served.now.population);
  const { models, populations, estimates } = openSwitches(dependencies, closers);
  const wake = () => {
    supervisor.wake();
    // engines on other hosts that miss this announcement find the job by polling
    store.cluster?.announcements.announce('jobs').catch(() => {});
  };
  const onLost = () => {
    supervisor.drain();
    void webhooks.stop();
  };
  const storage = await startUpkeep({ ...dependencies, rankings, wake, onLost }, closers);
  const { retainedVersions: versions, retainedDays: days, auditRetainedDays: auditDays } = limits;
  const retention = { versions, days };
  const conversionDays = limits.conversionRetainedDays;
  const matched = () => matchedBy(served.now.population);
  closers.defer(
    startHousekeeping({
      ...{ ...dependencies, rankings, wake, retention, auditDays, conversionDays },
      population: matched,
    }),
  );
  const eraser = startEraser(dependencies, population, closers);
  const readers = openReaders(dependencies, rankings, closers);
  const guard = createAddressGuard(dependencies.webhookAllowedHosts);
  const destinations = new DestinationWriter({
    ...{ ...readers, store, population, guard, clock, config: limits },
    root: dependencies.destinationsRoot ?? null,
    scratch: join(dependencies.folder, 'deliveries'),
  });
  const webhooks = new WebhookDispatcher({
    ...{ outbox: store.outbox, leadership: leadershipOf(store), logger, clock, config: limits },
    ...{ guard, destinations },
    tracer: telemetry?.isTracing ? telemetry : null,
  });
  return {
    limits,
    ports: {
      ...{ ...readers, store, population, models, populations, estimates, eraser, storage, webhooks, destinations },
      addressGuard: guard,
      served: () => served.now,
      engine: dependencies.engine,
      onExpanded: (listener) => supervisor.onExpanded(listener),
      machine: thisMachine(dependencies.folder),
      ...{ shared: dependencies.shared, wake, telemetry, logger, clock },
    },
    start: () => {
      webhooks.start();
      if (dependencies.followsFolder) populations.follow();
      const ready = hasEngine ? supervisor.start() : Promise.resolve();
      ready.catch(() => {}); // an unobserved rejection must not crash the process: `/readyz` reports it too
      return ready;
    },
    drain: () => {
      supervisor.drain();
      return webhooks.stop();
    },
  };
}

/** Opens the switches of served versions. The engine is stopped before they are closed. */
function openSwitches(dependencies: ServiceDependencies, closers: AsyncDisposableStack) {
  const { history: start, populationFolder: folder, supervisor, hasEngine } = dependencies;
  const assessor = hasEngine ? supervisor : new OnDemandEngine(supervisor);
  const models = new ModelActivation({ ...dependencies, start, supervisor: assessor });
  closers.defer(() => models.close());
  const populations = new PopulationActivation({ ...dependencies, folder });
  closers.defer(() => populations.close());
  closers.defer(() => (assessor instanceof OnDemandEngine ? assessor.close() : assessor.stop()));
  return { models, populations, estimates: assessor };
}

function startEraser(
  { limits, store, logger, erasure }: ServiceDependencies,
  population: Population,
  closers: AsyncDisposableStack,
): ServiceEraser {
  const { maximumWaitingErasures: maximumWaiting } = limits;
  const eraser = new ServiceEraser({ ...erasure, store, population, maximumWaiting, logger });
  closers.defer(() => eraser.close());
  const obstacle = eraser.obstacle();
  if (obstacle !== null) logger.warn(obstacle);
  eraser.watch();
  return eraser;
}

/** Opens what the routes need to read audiences. */
function openReaders(dependencies: ServiceDependencies, rankings: RankingCache, closers: AsyncDisposableStack) {
  const { limits, store, locator, served, history, populationFolder } = dependencies;
  const customisedModels = new ModelExporter({
    get model() {
      return served.forEngine.model.folder;
    },
    get modelVersion() {
      return served.now.model.version;
    },
    models: history.models,
    store: locator,
  });
  closers.defer(() => customisedModels.close());
  const explainer = new AudienceExplainer({
    population: resolve(populationFolder),
    store: locator,
    limits: {
      tokens: limits.maximumExplanationTokens,
      minimumGroupUsers: limits.minimumDisparityGroupUsers,
      minimumDisparityPercent: limits.minimumDisparityPercent,
    },
  });
  closers.defer(() => explainer.close());
  const encoder = new StreamEncoder();
  closers.defer(() => encoder.close());
  const userAudiences = new UserAudiences(store, rankings);
  return { rankings, reads: RANKING_READS, userAudiences, encoder, customisedModels, explainer };
}
