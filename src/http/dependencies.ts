/** A server's dependencies. Its parts are the ports of the folders that use them. */
import type { RankingCache } from '../audience/ranking-cache.ts';
import type { CampaignStore } from '../domain/ports/store.ts';
import type { Timings } from '../domain/run-facts.ts';
import type { Logger } from '../lib/logging.ts';
import type { ServiceClock } from '../lib/service-clock.ts';
import type { Telemetry } from '../lib/tracing.ts';
import type { Population } from '../population/read/population.ts';
import type { AudienceExplainer, CustomisedModels } from '../service/ports/audiences.ts';
import type { Estimates } from '../service/ports/estimates.ts';
import type { EngineStatus, Machine, StorageStatus } from '../service/ports/health.ts';
import type { Models } from '../service/ports/models.ts';
import type { Populations } from '../service/ports/populations.ts';
import type { CampaignFeature, ModelFacts } from '../service/ports/served-model.ts';
import type { UserEraser } from '../service/ports/users.ts';
import type { WebhookService } from '../service/ports/webhooks.ts';
import type { ServerConfig } from './config.ts';

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
