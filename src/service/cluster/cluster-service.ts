/** A node of a cluster without HTTP: the parts of a service on a store and blobs that several nodes share. */
import { RankingCache } from '../../audience/ranking-cache.ts';
import { requireKeyFor } from '../../lib/listening.ts';
import { trustedProxyCheck } from '../../lib/trusted-proxies.ts';
import { viewOf } from '../../population/read.ts';
import { DEFAULT_LIMITS, type Limits } from '../limits.ts';
import { thisMachine } from '../machine.ts';
import { openFileLimit, requireFilesOfEngine, withinOpenFiles } from '../open-files.ts';
import type { StorageStatus } from '../ports/health.ts';
import type { ListenOptions, Service } from '../ports/service.ts';
import { ModelActivation } from '../served/model-activation.ts';
import { PopulationActivation } from '../served/population-activation.ts';
import { superviseEngine } from '../service-engine.ts';
import {
  type Closers,
  openExplainer,
  openExporter,
  openReads,
  openWebhooks,
  retentionOf,
  startEraser,
  withClosers,
} from '../service-parts.ts';
import { defaultThreads } from '../settings/environment.ts';
import { startHousekeeping } from '../upkeep/housekeeping.ts';
import { keepReserve, startUpkeep } from '../upkeep/service-upkeep.ts';
import { createAddressGuard } from '../webhooks/address-guard.ts';
import { type ClusterOptions, type JoinedCluster, joinCluster } from './cluster-start.ts';
import { startLeaderTasks } from './leader-tasks.ts';
import { releaseLostEngines } from './lost-engines.ts';
import { Membership } from './membership.ts';
import { OnDemandEngine } from './on-demand-engine.ts';

export interface NodeOptions extends ClusterOptions, ListenOptions {
  /** Whether this node expands campaigns too. */
  readonly hasEngine: boolean;
  readonly device: string;
  /** Number of engine threads; null for one thread per processor. */
  readonly threads: number | null;
  readonly limits: Partial<Limits>;
  /** Non-public hosts and CIDRs that webhooks may call. */
  readonly webhookAllowedHosts: readonly string[];
  /** Whether to serve each version of the population as soon as it is published. */
  readonly followPopulation?: boolean;
  readonly logLevel: string;
  readonly prettyLogs?: boolean;
}

/**
 * Opens all parts of a node. If this function throws, it has closed everything that it opened.
 * @throws the errors of `joinCluster`; AppError invalid_argument
 */
export async function openNode(options: NodeOptions): Promise<Service> {
  const limits = checkedLimits(options);
  return withClosers((closers) => openParts(options, limits, closers));
}

/** The limits for this process. A cluster keeps no file for deletions, because its data has disks of its own. */
export function clusterLimits(given: Partial<Limits>): Limits {
  const all = { ...DEFAULT_LIMITS, ...given, reserveFileBytes: 0 };
  return withinOpenFiles(all, openFileLimit());
}

/** Checks everything that needs no connection. @throws AppError invalid_argument */
function checkedLimits(options: NodeOptions): Limits {
  trustedProxyCheck(options.trustedProxies ?? []);
  createAddressGuard(options.webhookAllowedHosts);
  if (options.hasEngine) requireFilesOfEngine(options.threads ?? defaultThreads(), openFileLimit());
  return clusterLimits(options.limits);
}

async function openParts(options: NodeOptions, limits: Limits, closers: Closers): Promise<Omit<Service, 'close'>> {
  const { logger, hasEngine } = options;
  const joined = await joinCluster(options, limits, closers, true);
  const { locator, clock, store, cluster, telemetry, data, served, kept } = joined;
  requireKeyFor(options.host, options.apiKey !== null || (await store.apiKeys.exist()), options.trustedProxies);
  const rankings = new RankingCache(store.blobs, {
    ...{ openRankings: limits.openRankings, memoryBytes: limits.rankingMemoryBytes },
  });
  closers.push(() => rankings.closeAll());
  const population = viewOf(() => served.now.population);
  const switches = openSwitches(options, limits, joined, closers);
  const { supervisor, assessor, models, populations, membership, wake } = switches;
  const storage = await startWork(options, limits, { ...joined, ...switches, rankings }, closers);
  const erasePopulation = async (userIds: readonly string[]) => {
    await data.mirror.erase(userIds, population);
    await cluster.announcements.announce('population');
  };
  const ofErasure = { erasePopulation, kept: () => kept.totals };
  const eraser = startEraser(options, store, population, limits, closers, ofErasure);
  const customisedModels = openExporter(served, data.models, locator);
  closers.push(() => customisedModels.close());
  const explainer = openExplainer(data.population, limits, locator);
  closers.push(() => explainer.close());
  const webhooks = openWebhooks({ ...options, clock }, store, telemetry?.isTracing ? telemetry : null, limits);
  return {
    limits,
    ports: {
      ...openReads(store, rankings, closers),
      ...{ store, population, models, populations, customisedModels, eraser, explainer, storage, webhooks },
      served: () => served.now,
      engine: () => (hasEngine ? supervisor.state : membership.engines()),
      estimates: assessor,
      onExpanded: (listener) => supervisor.onExpanded(listener),
      machine: thisMachine(options.cache),
      shared: { mirror: () => data.mirror.counts, keptVersions: () => kept.count },
      ...{ wake, telemetry, logger, clock },
    },
    start: () => {
      webhooks.start();
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

/** The node's engine, the switches of the served versions, and the node's membership. */
function openSwitches(options: NodeOptions, limits: Limits, joined: JoinedCluster, closers: Closers) {
  const { logger, hasEngine } = options;
  const { locator, clock, store, cluster, data, record, served } = joined;
  const keeper = keepReserve(store, locator, logger, limits);
  const shared = { blobs: options.blobs, mirrorBytes: limits.mirrorBytes };
  const own = {
    ...{ ...options, clock, population: data.population, shared, expands: hasEngine },
    ...(!hasEngine && { threads: 1 }),
  };
  const supervisor = superviseEngine(own, { served, models: data.models }, { store, locator, keeper }, limits);
  const start = { models: data.models, given: served.now.model.folder };
  // what makes estimates and checks models
  const assessor = hasEngine ? supervisor : new OnDemandEngine(supervisor);
  const models = new ModelActivation({ start, record, served, store, supervisor: assessor, logger, clock });
  closers.push(() => models.close());
  const populations = new PopulationActivation({ folder: data.population, record, served, logger });
  closers.push(() => populations.close());
  closers.push(() => (assessor instanceof OnDemandEngine ? assessor.close() : supervisor.stop()));
  const membership = new Membership(cluster, 'node', () => cluster.outage() === null);
  closers.push(() => membership.close());
  cluster.announcements.onAnnounced('jobs', () => supervisor.wake());
  const wake = () => {
    supervisor.wake();
    // engines that are not told look by themselves
    cluster.announcements.announce('jobs').catch(() => {});
  };
  return { supervisor, assessor, models, populations, membership, wake, keeper };
}

type WorkParts = JoinedCluster & ReturnType<typeof openSwitches> & { readonly rankings: RankingCache };

/** Starts upkeep, and what the leader does. */
async function startWork(
  options: NodeOptions,
  limits: Limits,
  parts: WorkParts,
  closers: Closers,
): Promise<StorageStatus> {
  const { logger, followPopulation = false } = options;
  const { clock, store, rankings, record, served, wake } = parts;
  const ofUpkeep = { ...parts, onLost: () => {} };
  const storage = await startUpkeep({ logger, clock, population: null }, limits, ofUpkeep, closers);
  closers.push(
    startHousekeeping({
      ...{ store, rankings, wake, logger, clock, ...retentionOf(limits) },
      populationVersion: () => {
        const { version } = served.now.population;
        return record.now.population === version ? version : null;
      },
      hasRoom: () => true,
    }),
  );
  closers.push(startLeaderTasks({ ...parts, logger, followPopulation }));
  closers.push(releaseLostEngines({ ...parts, logger }));
  return storage;
}
