/** A server's dependencies. Its parts are the ports of the folders that use them. */
import type { RankingCache } from '../audience/ranking-cache.ts';
import type { CampaignStore } from '../domain/ports/store.ts';
import type { Timings } from '../domain/run-facts.ts';
import type { Logger } from '../lib/logging.ts';
import type { ServiceClock } from '../lib/service-clock.ts';
import type { Telemetry } from '../lib/tracing.ts';
import type { Population } from '../population/read/population.ts';
import type { AudienceExplainer, CustomisedModels } from './audiences/port.ts';
import type { CampaignFeature } from './campaigns/port.ts';
import type { ServerConfig } from './config.ts';
import type { Estimates } from './estimates/port.ts';
import type { EngineStatus, Machine, StorageStatus } from './health/port.ts';
import type { ModelFacts } from './information/port.ts';
import type { Models } from './models/port.ts';
import type { Populations } from './populations/port.ts';
import type { UserEraser } from './users/port.ts';
import type { WebhookService } from './webhooks/port.ts';

/** Everything that the routes call. */
export interface ServerDependencies {
  readonly store: CampaignStore;
  readonly rankings: RankingCache;
  readonly population: Population;
  /** Of the served model, as are the next two: they change when another is served, so read them for each request. */
  readonly campaignFeatures: readonly CampaignFeature[];
  readonly modelVersion: string;
  readonly model: ModelFacts;
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
  readonly config: ServerConfig;
}
