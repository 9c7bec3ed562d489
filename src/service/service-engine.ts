/** The engine of a service. */
import type { ChildProcess } from 'node:child_process';
import { resolve } from 'node:path';
import type { CampaignStore, StoreLocator } from '../domain/ports/store.ts';
import type { EngineConfig } from '../engine/messages.ts';
import { EngineSupervisor, forkEngine } from '../engine/supervisor.ts';
import type { Logger } from '../lib/logging.ts';
import type { ServiceClock } from '../lib/service-clock.ts';
import type { TelemetrySettings } from '../lib/tracing.ts';
import type { Limits } from './limits.ts';
import type { ServedState } from './served/served-state.ts';
import { defaultThreads } from './settings/environment.ts';
import type { ReserveKeeper } from './upkeep/reserve-keeper.ts';

/** Options that every process with an engine has. */
export interface EngineOptions {
  readonly device: string;
  /** Number of engine threads; null for one thread per processor. */
  readonly threads: number | null;
  readonly logger: Logger;
  readonly logLevel: string;
  /** Whether to write log lines for humans instead of JSON. */
  readonly prettyLogs?: boolean;
  /** Settings of the telemetry export; null to export nothing. */
  readonly telemetry?: TelemetrySettings | null;
  /** The process for the first engine, if it was started in advance. */
  readonly forked?: ChildProcess | null;
}

/**
 * Starts the process of the first engine, which loads its modules while this process verifies the population. It ends
 * with the service, even if that does not start.
 */
export function forkInAdvance(closers: AsyncDisposableStack): ChildProcess {
  const forked = forkEngine();
  closers.defer(() => void forked.kill('SIGKILL'));
  return forked;
}

export interface EngineDependencies {
  readonly clock: ServiceClock;
  readonly store: CampaignStore;
  readonly locator: StoreLocator;
  readonly keeper: ReserveKeeper;
  readonly served: ServedState;
  /** Folder with one model per version. */
  readonly models: string;
  /** Folder of all versions of the population. */
  readonly population: string;
  readonly limits: Limits;
  /** Whether the engine expands campaigns (the default); see `EngineConfig`. */
  readonly expands?: boolean;
  /** Set if the folders of models and the population are copies of what a cluster shares. */
  readonly shared?: EngineConfig['shared'];
}

/** Creates the supervisor of an engine that uses the service's clock, but does not start the engine. */
export function superviseEngine(
  { device, threads, logger, logLevel, prettyLogs = false, telemetry = null, forked = null }: EngineOptions,
  { clock, store, locator, keeper, served, models, population, limits, expands = true, shared }: EngineDependencies,
): EngineSupervisor {
  const supervisor = new EngineSupervisor(
    {
      store: locator,
      models,
      population: resolve(population),
      // the checks of a start have verified the population of a service with a data folder
      ...(shared ? { shared } : { isVerified: true }),
      device,
      clockOffsetMs: clock.offsetMs,
      threads: threads ?? defaultThreads(),
      expands,
      ...engineLimits(limits),
      reserveExpected: keeper.isExpected(),
      logLevel,
      prettyLogs,
      telemetry,
    },
    () => served.forEngine,
    store,
    logger,
    undefined,
    forked,
  );
  clock.onOffset((offsetMs) => supervisor.useClock(offsetMs));
  keeper.onExpected(() => supervisor.expectReserve());
  served.onReplaced(() => supervisor.serve());
  return supervisor;
}

/** The limits that an engine receives with its configuration. */
function engineLimits({ minimumSeeds, leaseMs, maximumAttempts, keptWorkMs, rangeSegments, ...limits }: Limits) {
  const { userSideBytes, userSides, diskReserveBytes, rehearsedUsers } = limits;
  const ofJobs = { minimumSeeds, leaseMs, maximumAttempts, keptWorkMs, rangeSegments };
  return { ...ofJobs, userSideBytes, userSides, diskReserveBytes, rehearsedUsers };
}
