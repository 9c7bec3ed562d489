/** The interface of a service to the server on top of it. */

import type { DeletionSettings } from '../../domain/deletion.ts';
import type { CampaignStore } from '../../domain/ports/store.ts';
import type { Timings } from '../../domain/run-facts.ts';
import type { SignalPrice } from '../../domain/types.ts';
import type { Logger } from '../../lib/logging.ts';
import type { ServiceClock } from '../../lib/service-clock.ts';
import type { Telemetry } from '../../lib/tracing.ts';
import type { Population } from '../../population/read.ts';
import type { Limits } from '../limits.ts';
import type { AddressGuard } from '../webhooks/address-guard.ts';
import type { AudienceExplainer, CustomisedModels } from './audiences.ts';
import type { DestinationService } from './destinations.ts';
import type { Estimates } from './estimates.ts';
import type { EngineStatus, Machine, SharedStatus, StorageStatus } from './health.ts';
import type { Models } from './models.ts';
import type { Populations } from './populations.ts';
import type { RankingReads, Rankings, RowEncoder, UserAudiences } from './rankings.ts';
import type { Served } from './served.ts';
import type { UserEraser } from './users.ts';
import type { WebhookService } from './webhooks.ts';

/** Options for the server on top of a service. */
export interface ListenOptions {
  readonly host: string;
  readonly port: number;
  readonly apiKey: string | null;
  readonly metricsKey?: string | null;
  /** Host names under which the service may be called without a key, in addition to loopback names and `host`. */
  readonly allowedHosts?: readonly string[];
  /** Origins whose pages may call the service; none by default. */
  readonly corsOrigins?: readonly string[];
  /** Prices of signals; by default, they cost nothing. */
  readonly signalPrices?: readonly SignalPrice[];
  /** The domain of this service in the Data Deletion Request Framework, and the domains that it trusts. */
  readonly deletion?: DeletionSettings | null;
  /** Addresses and CIDRs of proxies in front of the service; none by default. */
  readonly trustedProxies?: readonly string[];
}

/** An open service. */
export interface Service {
  readonly ports: ServicePorts;
  readonly limits: Limits;
  /**
   * Starts the engine and webhooks. The promise resolves when the engine is ready, and rejects if the engine refuses to
   * start.
   */
  start(): Promise<void>;
  /** Stops accepting work; resolves when running webhook calls have been answered or have timed out. */
  drain(): Promise<void>;
  /** Ends the engine, then closes the store. Call `drain` first. */
  close(): Promise<void>;
}

/** The interface that routes call. */
export interface ServicePorts {
  readonly store: CampaignStore;
  readonly rankings: Rankings;
  /** Functions that read open rankings. */
  readonly reads: RankingReads;
  readonly userAudiences: UserAudiences;
  readonly encoder: RowEncoder;
  /**
   * The served model and population. Read this value once per request, so that the response refers to one model and one
   * population.
   */
  readonly served: () => Served;
  /** A view of the population that always reads the served version. */
  readonly population: Population;
  readonly models: Models;
  readonly populations: Populations;
  readonly customisedModels: CustomisedModels;
  readonly eraser: UserEraser;
  /** Restricts the hosts that the service calls. */
  readonly addressGuard: AddressGuard;
  readonly estimates: Estimates;
  readonly explainer: AudienceExplainer;
  readonly engine: () => EngineStatus;
  readonly storage: StorageStatus;
  readonly machine: Machine;
  /** null for a service that is not a node of a cluster. */
  readonly shared: SharedStatus | null;
  /** Calls `listener` for each expansion that becomes ready, with the number of seconds that each stage took. */
  readonly onExpanded: (listener: (timings: Timings) => void) => void;
  /**
   * Tells the engine that a campaign has been accepted, so that the engine need not wait for its next poll of the
   * queue.
   */
  readonly wake: () => void;
  readonly webhooks: WebhookService;
  readonly destinations: DestinationService;
  /** Telemetry of the API process; null if nothing is exported. */
  readonly telemetry: Telemetry | null;
  readonly logger: Logger;
  readonly clock: ServiceClock;
}
