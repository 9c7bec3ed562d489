/**
 * Repeats expansions that failed because of a damaged population, once the population is intact or another version is
 * served.
 */
import type { CampaignStore } from '../../domain/ports/store.ts';
import { messageOf } from '../../lib/errors.ts';
import type { Logger } from '../../lib/logging.ts';

/** Codes of failures that are caused by the files of the population, not by the campaign. */
const OF_THE_POPULATION: ReadonlySet<string | undefined> = new Set(['invalid_population', 'population_unavailable']);
/** Number of campaigns per page. */
const PAGE_SIZE = 100;

export interface ExpandFailedOptions {
  readonly store: Pick<CampaignStore, 'list' | 'expand'>;
  readonly logger: Logger;
  /** Called after expansions were queued. */
  readonly wake: () => void;
}

/**
 * Queues an expansion of each campaign whose latest expansion failed because of the population, and returns the number
 * of queued expansions. If an expansion cannot be queued (full disk), it stays failed and the error is logged.
 */
export async function expandFailed({ store, logger, wake }: ExpandFailedOptions): Promise<number> {
  // all campaigns are listed first, because queueing a campaign removes it from the list
  const ids: string[] = [];
  for (let cursor: string | undefined; ; ) {
    const page = await store.list({ state: 'failed', limit: PAGE_SIZE, cursor });
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
    logger.info(
      { expansions: queued },
      'campaigns whose expansion failed because of the population are being expanded again',
    );
    wake();
  }
  return queued;
}
