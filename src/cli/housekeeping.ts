/**
 * What a service does by the clock: expansions that are due by their refresh policy, and the removal of what is old.
 */
import type { RankingCache } from '../audience/ranking-cache.ts';
import type { CampaignStore } from '../campaigns/ports/store.ts';
import type { Retention } from '../campaigns/types.ts';
import type { Logger } from '../lib/logging.ts';

/** How often refresh policies are looked at: no interval of theirs is below a minute. */
const REFRESH_EVERY_MS = 5_000;
const PRUNE_EVERY_MS = 10 * 60_000;

export interface HousekeepingOptions {
  readonly store: CampaignStore;
  /** Open rankings, some of which are removed. */
  readonly rankings: Pick<RankingCache, 'forgetDeleted'>;
  /** The version that is served. */
  readonly populationVersion: string;
  readonly retention: Retention;
  /** Called after expansions were queued. */
  readonly wake: () => void;
  readonly logger: Logger;
}

/**
 * Looks once now, then by the clock, and not again while the look before goes on; the function that it gives ends that.
 * What fails is logged and tried again; what the end of the service breaks off is done after its next start.
 */
export function startHousekeeping({
  store,
  rankings,
  populationVersion,
  retention,
  wake,
  logger,
}: HousekeepingOptions): () => void {
  let isEnded = false;
  const repeat = (what: string, everyMs: number, action: () => Promise<void>) => {
    let isAtWork = false;
    const look = async () => {
      if (isAtWork) return;
      isAtWork = true;
      try {
        await action();
      } catch (error) {
        if (!isEnded) logger.error({ err: error }, `${what} failed and is tried again`);
      } finally {
        isAtWork = false;
      }
    };
    void look();
    return setInterval(() => void look(), everyMs);
  };
  const timers = [
    repeat('removing what is old', PRUNE_EVERY_MS, async () => {
      store.prune(retention);
      rankings.forgetDeleted();
      await store.removeUnusedFeedback();
    }),
    repeat('expanding by the clock', REFRESH_EVERY_MS, async () => {
      const queued = await store.expandDue(populationVersion);
      if (queued === 0) return;
      logger.info({ expansions: queued }, 'campaigns are expanded again by their refresh policy');
      wake();
    }),
  ];
  return () => {
    isEnded = true;
    timers.forEach(clearInterval);
  };
}
