/** Parts that a service has whether it is alone or a node of a cluster. */
import { resolve } from 'node:path';
import type { RankingCache } from '../audience/ranking-cache.ts';
import { RANKING_READS } from '../audience/reads.ts';
import { StreamEncoder } from '../audience/stream/stream-encoder.ts';
import { UserAudiences } from '../audience/user-audiences.ts';
import { leadershipOf } from '../domain/ports/cluster.ts';
import type { CampaignStore, StoreLocator } from '../domain/ports/store.ts';
import type { Logger } from '../lib/logging.ts';
import type { ServiceClock } from '../lib/service-clock.ts';
import type { Tracer } from '../lib/tracing.ts';
import type { Population } from '../population/read.ts';
import type { Limits } from './limits.ts';
import type { ServedState } from './served/served-state.ts';
import { AudienceExplainer } from './threads/audience-explainer.ts';
import { ModelExporter } from './threads/model-export.ts';
import { type EraserOptions, ServiceEraser } from './upkeep/user-eraser.ts';
import { createAddressGuard } from './webhooks/address-guard.ts';
import { WebhookDispatcher } from './webhooks/dispatcher.ts';

/** Functions that close parts, to be called in the reverse order. */
export type Closers = (() => Promise<void> | void)[];

/**
 * Opens parts, each of which pushes a function that closes it. They are closed in the reverse order by `close`, or at
 * once if `open` fails.
 */
export async function withClosers<T extends object>(
  open: (closers: Closers) => Promise<T>,
): Promise<T & { close(): Promise<void> }> {
  const closers: Closers = [];
  const close = async () => {
    const errors: unknown[] = [];
    // a part that cannot be closed keeps no other part open
    while (closers.length > 0)
      try {
        await closers.pop()!();
      } catch (error) {
        errors.push(error);
      }
    if (errors.length > 0) throw errors[0];
  };
  try {
    return { ...(await open(closers)), close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Functions for routes that read rankings. */
export function openReads(store: CampaignStore, rankings: RankingCache, closers: Closers) {
  const encoder = new StreamEncoder();
  closers.push(() => encoder.close());
  return { rankings, reads: RANKING_READS, userAudiences: new UserAudiences(store, rankings), encoder };
}

export function retentionOf({ retainedVersions: versions, retainedDays: days, auditRetainedDays: auditDays }: Limits) {
  return { retention: { versions, days }, auditDays };
}

export function startEraser(
  { logger }: { readonly logger: Logger },
  store: CampaignStore,
  population: Population,
  { maximumWaitingErasures: maximumWaiting }: Limits,
  closers: Closers,
  shared: Pick<EraserOptions, 'erasePopulation' | 'kept'> = {},
): ServiceEraser {
  const eraser = new ServiceEraser({
    ...{ store, population, maximumWaiting, logger },
    ...shared,
  });
  closers.push(() => eraser.close());
  const obstacle = eraser.obstacle();
  if (obstacle !== null) logger.warn(obstacle);
  eraser.watch();
  return eraser;
}

export function openWebhooks(
  {
    webhookAllowedHosts,
    logger,
    clock,
  }: { readonly webhookAllowedHosts: readonly string[]; readonly logger: Logger; readonly clock: ServiceClock },
  store: CampaignStore,
  tracer: Tracer | null,
  config: Limits,
): WebhookDispatcher {
  const guard = createAddressGuard(webhookAllowedHosts);
  const { outbox } = store;
  return new WebhookDispatcher({ outbox, leadership: leadershipOf(store), guard, logger, clock, tracer, config });
}

export function openExporter(served: ServedState, models: string, store: StoreLocator): ModelExporter {
  return new ModelExporter({
    get model() {
      return served.forEngine.model.folder;
    },
    get modelVersion() {
      return served.now.model.version;
    },
    ...{ models, store },
  });
}

export function openExplainer(population: string, limits: Limits, store: StoreLocator): AudienceExplainer {
  return new AudienceExplainer({
    population: resolve(population),
    store,
    limits: {
      tokens: limits.maximumExplanationTokens,
      minimumGroupUsers: limits.minimumDisparityGroupUsers,
      minimumDisparityPercent: limits.minimumDisparityPercent,
    },
  });
}
