/** Repeats expansions that failed because of the population, once the population is intact or another one is served. */
import type { CampaignStore } from '../../domain/ports/store.ts';
import { messageOf } from '../../lib/errors.ts';
import type { Logger } from '../../lib/logging.ts';

/** Reasons that concern the files of the population, not the campaign. */
const OF_THE_POPULATION: ReadonlySet<string | undefined> = new Set(['invalid_population', 'population_unavailable']);
/** Number of campaigns that are read in one page. */
const PAGE_SIZE = 100;

export interface ExpandFailedOptions {
  readonly store: Pick<CampaignStore, 'list' | 'expand'>;
  readonly logger: Logger;
  /** Called after expansions were queued. */
  readonly wake: () => void;
}

/**
 * Queues an expansion of each campaign whose latest one failed for such a reason; returns their number. Expansions that
 * cannot be queued (full disk) stay failed, and are logged.
 */
export async function expandFailed({ store, logger, wake }: ExpandFailedOptions): Promise<number> {
  // listed before queueing, because queued campaigns leave the list
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
