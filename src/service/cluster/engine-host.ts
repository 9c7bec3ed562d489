/**
 * Hosts of a cluster, whose store and blobs several hosts share: a node without HTTP, and a host that only expands
 * campaigns, which joins and leaves at will.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { pauseMs } from '../../domain/expansions.ts';
import type { Cluster } from '../../domain/ports/cluster.ts';
import type { CampaignStore } from '../../domain/ports/store.ts';
import type { DiskWatch } from '../../lib/files/disk-watch.ts';
import { requireKeyFor } from '../../lib/listening.ts';
import type { Logger } from '../../lib/logging.ts';
import { trustedProxyCheck } from '../../lib/trusted-proxies.ts';
import { viewOf } from '../../population/read.ts';
import { withClosers } from '../closers.ts';
import { composeService } from '../composition.ts';
import { DEFAULT_LIMITS, type Limits } from '../limits.ts';
import { openFileLimit, requireFilesOfEngine, withinOpenFiles } from '../open-files.ts';
import type { EngineStatus } from '../ports/health.ts';
import type { ListenOptions, Service } from '../ports/service.ts';
import type { EngineOptions } from '../service-engine.ts';
import { defaultThreads } from '../settings/environment.ts';
import { createAddressGuard } from '../webhooks/address-guard.ts';
import { type ClusterOptions, joinCluster, superviseSharedEngine } from './cluster-start.ts';
import { startLeaderTasks } from './leader-tasks.ts';
import { Membership } from './membership.ts';

const LOOK_EVERY_MS = 100;

export interface EngineHostOptions extends ClusterOptions, EngineOptions {
  readonly limits: Partial<Limits>;
}

export interface EngineHost {
  engine(): EngineStatus;
  /** Why the engine cannot work although it runs; null if it can. */
  obstacle(): string | null;
  /** Resolves when the engine is ready, and rejects if it refuses to start. */
  start(): Promise<void>;
  /**
   * Stops claiming work. Resolves when the running work has ended, or after `engineDrainMs`. Other hosts continue
   * unfinished work after `close`.
   */
  drain(): Promise<void>;
  /** Ends the engine, and leaves the cluster. */
  close(): Promise<void>;
}

/**
 * Joins the cluster. If this function throws, it has closed everything that it opened.
 * @throws the errors of `joinCluster`; AppError invalid_argument
 */
export async function openEngineHost(options: EngineHostOptions): Promise<EngineHost> {
  requireFilesOfEngine(options.threads ?? defaultThreads(), openFileLimit());
  const limits = clusterLimits(options.limits);
  return withClosers((closers) => join(options, limits, closers));
}

async function join(
  options: EngineHostOptions,
  limits: Limits,
  closers: AsyncDisposableStack,
): Promise<Omit<EngineHost, 'close'>> {
  const joined = await joinCluster(options, limits, closers, false);
  const { clock, disk, cluster } = joined;
  const { supervisor } = superviseSharedEngine(options, joined, limits);
  closers.defer(() => supervisor.stop());
  let isDraining = false;
  const obstacle = () => {
    if (isDraining) return 'the engine was told to stop: it takes no work';
    return cluster.outage()?.reason ?? fullDisk(disk);
  };
  const membership = new Membership(cluster, 'engine', () => supervisor.state.ready && obstacle() === null);
  closers.defer(() => membership.close());
  return {
    engine: () => supervisor.state,
    obstacle,
    start: () => supervisor.start(),
    drain: async () => {
      isDraining = true;
      supervisor.drain();
      const until = clock.elapsed() + limits.engineDrainMs;
      while ((supervisor.state.heartbeat?.expanding ?? 0) > 0 && clock.elapsed() < until) await sleep(LOOK_EVERY_MS);
    },
  };
}

/** Why the engine claims nothing; null if its disk has room. */
function fullDisk(disk: DiskWatch): string | null {
  const { freeBytes, reserveBytes, fault, isLow } = disk.state();
  if (!isLow) return null;
  if (fault !== null) return `${fault}: no work is taken`;
  const left = `the disk of the cache has ${freeBytes} bytes left`;
  return `${left}, less than the reserve of ${reserveBytes}: no work is taken`;
}

export interface NodeOptions extends ClusterOptions, ListenOptions, EngineOptions {
  /** Whether this node expands campaigns too. */
  readonly hasEngine: boolean;
  readonly limits: Partial<Limits>;
  /** Non-public hosts and CIDRs that webhooks may call. */
  readonly webhookAllowedHosts: readonly string[];
  /** The folder below which destinations may write. By default, folders cannot be destinations. */
  readonly destinationsRoot?: string | null;
  /** Whether to serve each version of the population as soon as it is published. */
  readonly followPopulation?: boolean;
}

/**
 * Opens all parts of a node. If this function throws, it has closed everything that it opened.
 * @throws the errors of `joinCluster`; AppError invalid_argument
 */
export async function openNode(options: NodeOptions): Promise<Service> {
  const limits = checkedLimits(options);
  return withClosers((closers) => compose(options, limits, closers));
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

async function compose(
  options: NodeOptions,
  limits: Limits,
  closers: AsyncDisposableStack,
): Promise<Omit<Service, 'close'>> {
  const { logger, hasEngine, webhookAllowedHosts, destinationsRoot, followPopulation = false } = options;
  const joined = await joinCluster(options, limits, closers, true);
  const { store, cluster, data, record, served, kept } = joined;
  requireKeyFor(options.host, options.apiKey !== null || (await store.apiKeys.exist()), options.trustedProxies);
  const own = hasEngine ? options : { ...options, threads: 1 };
  const { supervisor, keeper } = superviseSharedEngine(own, joined, limits, hasEngine);
  const erasePopulation = async (userIds: readonly string[]) => {
    await data.mirror.erase(
      userIds,
      viewOf(() => served.now.population),
    );
    await cluster.announcements.announce('population');
  };
  const service = await composeService(
    {
      ...{ ...joined, limits, logger, webhookAllowedHosts, destinationsRoot, supervisor, keeper, hasEngine },
      history: { models: data.models, given: served.now.model.folder },
      populationFolder: data.population,
      followsFolder: false,
      scrubbedFolder: null,
      folder: options.cache,
      engine: () => (hasEngine ? supervisor.state : membership.engines()),
      populationVersion: () => {
        const { version } = served.now.population;
        return record.now.population === version ? version : null;
      },
      hasRoom: () => true,
      erasure: { erasePopulation, kept: () => kept.totals },
      shared: { mirror: () => data.mirror.counts, keptVersions: () => kept.count },
    },
    closers,
  );
  const membership = new Membership(cluster, 'node', () => cluster.outage() === null);
  closers.defer(() => membership.close());
  const { populations, wake } = service.ports;
  closers.defer(startLeaderTasks({ ...joined, populations, logger, followPopulation }));
  closers.defer(releaseLostEngines({ ...joined, logger, wake }));
  return service;
}

const LOST_ENGINES_EVERY_MS = 250;

interface LostEnginesOptions {
  readonly cluster: Pick<Cluster, 'findLostOwners'>;
  readonly store: Pick<CampaignStore, 'releaseOwner'>;
  readonly logger: Logger;
  /** Tells the engines that there is new work. */
  readonly wake: () => void;
}

/**
 * Checks for lost engines until the returned function is called. Every node does this, so it works even if a node is
 * lost.
 */
export function releaseLostEngines({ cluster, store, logger, wake }: LostEnginesOptions): () => void {
  let isLooking = false;
  const look = async () => {
    for (const owner of await cluster.findLostOwners()) {
      const jobs = await store.releaseOwner(owner, 'died');
      if (jobs === 0) continue;
      logger.warn({ engine: owner, jobs }, 'the process of an engine has ended, and its jobs are back in the queue');
      wake();
      // the jobs that the engine had begun
      setTimeout(wake, pauseMs(1)).unref();
    }
  };
  const timer = setInterval(() => {
    if (isLooking) return;
    isLooking = true;
    // while the database does not answer, nobody can take over a lease
    look()
      .catch(() => {})
      .finally(() => {
        isLooking = false;
      });
  }, LOST_ENGINES_EVERY_MS);
  timer.unref();
  return () => clearInterval(timer);
}
