/** A node of a cluster without HTTP: a service whose store and blobs are shared by several nodes. */
import { requireKeyFor } from '../../lib/listening.ts';
import { trustedProxyCheck } from '../../lib/trusted-proxies.ts';
import { viewOf } from '../../population/read.ts';
import { withClosers } from '../closers.ts';
import { composeService } from '../composition.ts';
import { DEFAULT_LIMITS, type Limits } from '../limits.ts';
import { openFileLimit, requireFilesOfEngine, withinOpenFiles } from '../open-files.ts';
import type { ListenOptions, Service } from '../ports/service.ts';
import type { EngineOptions } from '../service-engine.ts';
import { defaultThreads } from '../settings/environment.ts';
import { createAddressGuard } from '../webhooks/address-guard.ts';
import { type ClusterOptions, joinCluster, superviseSharedEngine } from './cluster-start.ts';
import { startLeaderTasks } from './leader-tasks.ts';
import { releaseLostEngines } from './lost-engines.ts';
import { Membership } from './membership.ts';

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
