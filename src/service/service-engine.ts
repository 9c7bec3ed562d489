/** The engine of a service. */
import { resolve } from 'node:path';
import type { CampaignStore, StoreLocator } from '../domain/ports/store.ts';
import type { EngineConfig } from '../engine/messages.ts';
import { EngineSupervisor } from '../engine/supervisor.ts';
import type { Logger } from '../lib/logging.ts';
import type { ServiceClock } from '../lib/service-clock.ts';
import type { TelemetrySettings } from '../lib/tracing.ts';
import type { Limits } from './limits.ts';
import type { ServedState } from './served/served-state.ts';
import { defaultThreads } from './settings/environment.ts';
import type { ReserveKeeper } from './upkeep/reserve-keeper.ts';

interface EngineOptions {
  readonly population: string;
  readonly device: string;
  /** Whether the engine expands campaigns, which is the default; see `EngineConfig`. */
  readonly expands?: boolean;
  /** Number of engine threads; null for one thread per processor. */
  readonly threads: number | null;
  readonly clock: ServiceClock;
  readonly logger: Logger;
  readonly logLevel: string;
  readonly prettyLogs?: boolean;
  readonly telemetry?: TelemetrySettings | null;
  /** Set if the folders of models and the population are copies of what a cluster shares. */
  readonly shared?: EngineConfig['shared'] | undefined;
}

/** Creates the supervisor of an engine that uses the service's clock, but does not start the engine. */
export function superviseEngine(
  options: EngineOptions,
  { served, models }: { readonly served: ServedState; readonly models: string },
  {
    store,
    locator,
    keeper,
  }: { readonly store: CampaignStore; readonly locator: StoreLocator; readonly keeper: ReserveKeeper },
  limits: Limits,
): EngineSupervisor {
  const supervisor = new EngineSupervisor(
    {
      store: locator,
      models,
      population: resolve(options.population),
      ...(options.shared && { shared: options.shared }),
      device: options.device,
      clockOffsetMs: options.clock.offsetMs,
      threads: options.threads ?? defaultThreads(),
      expands: options.expands ?? true,
      ...engineLimits(limits),
      reserveExpected: keeper.isExpected(),
      logLevel: options.logLevel,
      prettyLogs: options.prettyLogs === true,
      telemetry: options.telemetry ?? null,
    },
    () => served.forEngine,
    store,
    options.logger,
  );
  options.clock.onOffset((offsetMs) => supervisor.useClock(offsetMs));
  keeper.onExpected(() => supervisor.expectReserve());
  served.onReplaced(() => supervisor.serve());
  return supervisor;
}

/** The limits that an engine receives with its configuration. */
function engineLimits({ minimumSeeds, leaseMs, maximumAttempts, keptWorkMs, rangeSegments, ...limits }: Limits) {
  const { userSideBytes, userSides, diskReserveBytes } = limits;
  const ofJobs = { minimumSeeds, leaseMs, maximumAttempts, keptWorkMs, rangeSegments };
  return { ...ofJobs, userSideBytes, userSides, diskReserveBytes };
}
