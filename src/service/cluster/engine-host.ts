/** A host that only expands campaigns: an engine on the store and blobs of a cluster. It joins and leaves at will. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { DiskWatch } from '../../lib/files/disk-watch.ts';
import { withClosers } from '../closers.ts';
import type { Limits } from '../limits.ts';
import { openFileLimit, requireFilesOfEngine } from '../open-files.ts';
import type { EngineStatus } from '../ports/health.ts';
import type { EngineOptions } from '../service-engine.ts';
import { defaultThreads } from '../settings/environment.ts';
import { clusterLimits } from './cluster-service.ts';
import { type ClusterOptions, joinCluster, superviseSharedEngine } from './cluster-start.ts';
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
