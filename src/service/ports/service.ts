/** What a service offers to the server on top of it. */
import type { CampaignStore } from '../../domain/ports/store.ts';
import type { Timings } from '../../domain/run-facts.ts';
import type { Logger } from '../../lib/logging.ts';
import type { ServiceClock } from '../../lib/service-clock.ts';
import type { Telemetry } from '../../lib/tracing.ts';
import type { Population } from '../../population/read.ts';
import type { Limits } from '../limits.ts';
import type { AudienceExplainer, CustomisedModels } from './audiences.ts';
import type { Estimates } from './estimates.ts';
import type { EngineStatus, Machine, StorageStatus } from './health.ts';
import type { Models } from './models.ts';
import type { Populations } from './populations.ts';
import type { RankingReads, Rankings, RowEncoder, UserAudiences } from './rankings.ts';
import type { Served } from './served.ts';
import type { UserEraser } from './users.ts';
import type { WebhookService } from './webhooks.ts';

/** How clients reach a service: what the server on top of it takes. */
export interface ListenOptions {
  readonly host: string;
  readonly port: number;
  readonly apiKey: string | null;
  readonly metricsKey?: string | null;
  /** Names by which it may be called without a key, besides loopback's and `host`. */
  readonly allowedHosts?: readonly string[];
  /** Origins whose pages may call it; none if not given. */
  readonly corsOrigins?: readonly string[];
  /** Addresses and CIDRs of the proxies in front of it; none if not given. */
  readonly trustedProxies?: readonly string[];
}

/** A service that is open. */
export interface Service {
  readonly ports: ServicePorts;
  readonly limits: Limits;
  /** Starts engine and webhooks: resolves when the engine is ready, rejects if it refuses something. */
  start(): Promise<void>;
  /** Takes no more work; resolves when webhooks that are being called have answered, or had their time. */
  drain(): Promise<void>;
  /** Ends the engine, then closes the store; `drain` comes first. */
  close(): Promise<void>;
}

/** Everything that routes call. */
export interface ServicePorts {
  readonly store: CampaignStore;
  readonly rankings: Rankings;
  /** Of open rankings. */
  readonly reads: RankingReads;
  readonly userAudiences: UserAudiences;
  readonly encoder: RowEncoder;
  /** What is served now: read it once for each request, so that its answer names one model and one population. */
  readonly served: () => Served;
  /** Reads of it go to the population that is served now. */
  readonly population: Population;
  readonly models: Models;
  readonly populations: Populations;
  readonly customisedModels: CustomisedModels;
  readonly eraser: UserEraser;
  readonly estimates: Estimates;
  readonly explainer: AudienceExplainer;
  readonly engine: () => EngineStatus;
  readonly storage: StorageStatus;
  readonly machine: Machine;
  /** Calls `listener` with the timings of each expansion that becomes ready: seconds by stage. */
  readonly onExpanded: (listener: (timings: Timings) => void) => void;
  /** Called after a campaign was accepted, so that the engine need not wait for its next poll of the queue. */
  readonly wake: () => void;
  readonly webhooks: WebhookService;
  /** null where nothing is exported. */
  readonly telemetry: Telemetry | null;
  readonly logger: Logger;
  readonly clock: ServiceClock;
}
