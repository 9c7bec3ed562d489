/** Scheduled tasks of a service: expansions that are due by their refresh policy, and the removal of old data. */
import type { RankingCache } from '../../audience/ranking-cache.ts';
import type { CampaignStore } from '../../domain/ports/store.ts';
import type { Retention } from '../../domain/types.ts';
import type { Logger } from '../../lib/logging.ts';
import type { ServiceClock } from '../../lib/service-clock.ts';

/** Interval between checks of refresh policies, whose own intervals are at least a minute. */
const REFRESH_EVERY_MS = 5_000;
const PRUNE_EVERY_MS = 10 * 60_000;
const DAY_MS = 24 * 3600 * 1000;

export interface HousekeepingOptions {
  readonly store: CampaignStore;
  /** Open rankings; retention may remove some of them. */
  readonly rankings: Pick<RankingCache, 'forgetDeleted'>;
  /** The served version. */
  readonly populationVersion: () => string;
  readonly retention: Retention;
  /** How long entries of the audit log are kept, in days. */
  readonly auditDays: number;
  /** Whether new work is accepted. Due tasks wait while no new work is accepted. */
  readonly hasRoom: () => boolean;
  /** Called after expansions were queued. */
  readonly wake: () => void;
  readonly logger: Logger;
  readonly clock: Pick<ServiceClock, 'before'>;
}

/**
 * Runs each task immediately, and then repeats it on a schedule. Runs of the same task never overlap. Failures are
 * logged and retried. The returned function stops the schedule; interrupted tasks run after the next start.
 */
export function startHousekeeping({
  store,
  rankings,
  populationVersion,
  hasRoom,
  retention,
  auditDays,
  wake,
  logger,
  clock,
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
        if (!isEnded) logger.error({ err: error }, `${what} failed and will be retried`);
      } finally {
        isAtWork = false;
      }
    };
    void look();
    return setInterval(() => void look(), everyMs);
  };
  const timers = [
    repeat('removing old data', PRUNE_EVERY_MS, async () => {
      const before = clock.before(retention.days * DAY_MS);
      const beforeAudit = clock.before(auditDays * DAY_MS);
      // if the clock has jumped, the time is null because ages are unknown
      if (before !== null) await store.prune(retention, before);
      if (beforeAudit !== null) await store.audit.prune(beforeAudit);
      rankings.forgetDeleted();
      await store.removeUnusedFeedback();
    }),
    repeat('scheduled expansion', REFRESH_EVERY_MS, async () => {
      if (!hasRoom()) return;
      const queued = await store.expandDue(populationVersion());
      if (queued === 0) return;
      logger.info({ expansions: queued }, 'campaigns are being expanded again according to their refresh policy');
      wake();
    }),
  ];
  return () => {
    isEnded = true;
    timers.forEach(clearInterval);
  };
}
