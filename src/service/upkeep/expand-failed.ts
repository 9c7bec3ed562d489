/** Expansions that failed because of the population are queued again once it is whole, or another one is served. */
import type { CampaignStore } from '../../domain/ports/store.ts';
import { messageOf } from '../../lib/errors.ts';
import type { Logger } from '../../lib/logging.ts';

/** Reasons that say something of the files of the population, and nothing of the campaign. */
const OF_THE_POPULATION: ReadonlySet<string | undefined> = new Set(['invalid_population', 'population_unavailable']);
/** Campaigns that are read at once. */
const PAGE_SIZE = 100;

export interface ExpandFailedOptions {
  readonly store: Pick<CampaignStore, 'list' | 'expand'>;
  readonly logger: Logger;
  /** Called after expansions were queued. */
  readonly wake: () => void;
}

/**
 * Queues an expansion of each campaign whose latest one failed for such a reason; returns their number. What cannot be
 * queued (a full disk) stays failed, and is logged.
 */
export async function expandFailed({ store, logger, wake }: ExpandFailedOptions): Promise<number> {
  // all are listed first: what is queued leaves the list
  const ids: string[] = [];
  for (let cursor: string | undefined; ; ) {
    const page = store.list({ state: 'failed', limit: PAGE_SIZE, cursor });
    ids.push(...page.items.filter(({ reason }) => OF_THE_POPULATION.has(reason?.code)).map(({ id }) => id));
    if (page.nextCursor === null) break;
    cursor = page.nextCursor;
  }
  let queued = 0;
  for (const id of ids) {
    try {
      await store.expand(id);
      queued += 1;
    } catch (error) {
      logger.warn({ campaign: id, reason: messageOf(error) }, 'a failed expansion could not be queued again');
    }
  }
  if (queued > 0) {
    logger.info({ expansions: queued }, 'expansions that failed because of the population are made again');
    wake();
  }
  return queued;
}
