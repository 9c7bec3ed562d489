/** What a service does by the clock: expansions that are due by their refresh policy, and the removal of what is old. */
import type { RankingCache } from '../audience/ranking-cache.ts';
import type { CampaignStore, Retention } from '../campaigns/store.ts';
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

/** Looks once now, then by the clock; the function that it gives ends that. What fails is logged and tried again. */
export function startHousekeeping({
  store,
  rankings,
  populationVersion,
  retention,
  wake,
  logger,
}: HousekeepingOptions): () => void {
  const attempt = (what: string, action: () => void) => {
    try {
      action();
    } catch (error) {
      logger.error({ err: error }, `${what} failed and is tried again`);
    }
  };
  const refresh = () =>
    attempt('expanding by the clock', () => {
      const queued = store.expandDue(populationVersion);
      if (queued === 0) return;
      logger.info({ expansions: queued }, 'campaigns are expanded again by their refresh policy');
      wake();
    });
  const prune = () =>
    attempt('removing what is old', () => {
      store.prune(retention);
      rankings.forgetDeleted();
    });
  prune();
  refresh();
  const timers = [setInterval(refresh, REFRESH_EVERY_MS), setInterval(prune, PRUNE_EVERY_MS)];
  return () => timers.forEach(clearInterval);
}
