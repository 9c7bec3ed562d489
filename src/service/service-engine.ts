/** The engine of a service, and what the server is told of it. */
import { resolve } from 'node:path';
import type { CampaignStore, StoreLocator } from '../domain/ports/store.ts';
import { EngineSupervisor } from '../engine/supervisor.ts';
import type { ServerDependencies } from '../http/dependencies.ts';
import type { Logger } from '../lib/logging.ts';
import type { ServiceClock } from '../lib/service-clock.ts';
import type { TelemetrySettings } from '../lib/tracing.ts';
import type { Population } from '../population/read/population.ts';
import type { Limits } from './limits.ts';
import type { ModelSwitch } from './model-switch.ts';
import { defaultThreads } from './settings/environment.ts';
import type { ReserveKeeper } from './upkeep/reserve-keeper.ts';

interface EngineOptions {
  readonly population: string;
  readonly device: string;
  /** null means one per processor. */
  readonly threads: number | null;
  readonly clock: ServiceClock;
  readonly logger: Logger;
  readonly logLevel: string;
  readonly prettyLogs?: boolean;
  readonly telemetry?: TelemetrySettings | null;
}

/** An engine that is not started yet; it has the time of the service. */
export function superviseEngine(
  options: EngineOptions,
  models: ModelSwitch,
  population: Population,
  {
    store,
    locator,
    keeper,
  }: { readonly store: CampaignStore; readonly locator: StoreLocator; readonly keeper: ReserveKeeper },
  { minimumSeeds, leaseMs, maximumAttempts, keptWorkMs, diskReserveBytes }: Limits,
): EngineSupervisor {
  const supervisor = new EngineSupervisor(
    {
      store: locator,
      model: resolve(models.folder.path),
      models: models.models,
      population: resolve(options.population),
      modelVersion: models.version,
      populationVersion: population.version,
      device: options.device,
      clockOffsetMs: options.clock.offsetMs,
      threads: options.threads ?? defaultThreads(),
      ...{ minimumSeeds, leaseMs, maximumAttempts, keptWorkMs, diskReserveBytes },
      reserveExpected: keeper.isExpected(),
      logLevel: options.logLevel,
      prettyLogs: options.prettyLogs === true,
      telemetry: options.telemetry ?? null,
    },
    store,
    options.logger,
  );
  options.clock.onOffset((offsetMs) => supervisor.useClock(offsetMs));
  keeper.onExpected(() => supervisor.expectReserve());
  return supervisor;
}

/** What the server needs of it. */
export function engineOf(
  supervisor: EngineSupervisor,
): Pick<ServerDependencies, 'engine' | 'estimates' | 'onExpanded'> {
  return {
    engine: () => supervisor.state,
    estimates: supervisor,
    onExpanded: (listener) => supervisor.onExpanded(listener),
  };
}
