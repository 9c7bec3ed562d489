/**
 * Scheduled tasks of a service: expansions that are due by their refresh policy, and the removal of old data. Of
 * several services that share a store, one runs the tasks.
 */
import type { RankingCache } from '../../audience/ranking-cache.ts';
import type { Retention } from '../../domain/audiences.ts';
import { leadershipOf } from '../../domain/ports/cluster.ts';
import type { CampaignStore } from '../../domain/ports/store.ts';
import type { MatchedPopulation } from '../../domain/user-sets.ts';
import type { Logger } from '../../lib/logging.ts';
import type { ServiceClock } from '../../lib/service-clock.ts';
import { Schedule } from './schedule.ts';

/** Interval between checks of refresh policies, whose own intervals are at least a minute. */
const REFRESH_EVERY_MS = 5_000;
const PRUNE_EVERY_MS = 10 * 60_000;
/** Interval at which a cluster marks expired keys. An embedded store marks them whenever it stores the time. */
const EXPIRE_EVERY_MS = 60_000;
/** Interval between checks for expired users of suppression lists. */
const EXPIRE_USERS_EVERY_MS = 5_000;
const DAY_MS = 24 * 3600 * 1000;

export interface HousekeepingOptions {
  readonly store: CampaignStore;
  /** Open rankings; retention may remove some of them. */
  readonly rankings: Pick<RankingCache, 'forgetDeleted'>;
  /** The served version; null while this process does not serve the version of its cluster yet. */
  readonly populationVersion: () => string | null;
  /** The population to match changed lists with. */
  readonly population: () => MatchedPopulation;
  readonly retention: Retention;
  /** How long entries of the audit log are kept, in days. */
  readonly auditDays: number;
  /** How long conversions are kept, in days. */
  readonly conversionDays: number;
  /** Whether new work is accepted. Due tasks wait while no new work is accepted. */
  readonly hasRoom: () => boolean;
  /** Called after expansions were queued. */
  readonly wake: () => void;
  readonly logger: Logger;
  readonly clock: Pick<ServiceClock, 'before' | 'elapsed' | 'isSettled' | 'now'>;
}

/**
 * Runs each task when the service becomes the leader, and repeats it on a schedule while it leads. The returned
 * function stops the schedule.
 */
export function startHousekeeping(options: HousekeepingOptions): () => void {
  const { store, rankings, clock, logger, wake, hasRoom, populationVersion } = options;
  const leadership = leadershipOf(store);
  const schedule = new Schedule(leadership, logger, clock);
  schedule.repeat('removing old data', PRUNE_EVERY_MS, async () => {
    await leadership.lead(() => removeOld(options));
    // each service has rankings open
    await rankings.forgetDeleted();
    await leadership.lead(() => store.removeUnusedFeedback());
  });
  schedule.repeat('marking expired keys', EXPIRE_EVERY_MS, async () => {
    const now = store.cluster === null ? null : certainTime(clock);
    if (now !== null) await leadership.lead(() => store.apiKeys.recordExpired(now));
  });
  schedule.repeat('removing expired users from suppression lists', EXPIRE_USERS_EVERY_MS, async () => {
    const now = certainTime(clock);
    if (now === null) return;
    const users = await leadership.lead(() => store.userSets.removeExpired(now, options.population()));
    if (users) logger.info({ users }, 'users who have expired were removed from suppression lists');
  });
  schedule.repeat('scheduled expansion', REFRESH_EVERY_MS, async () => {
    if (!hasRoom()) return;
    const queued = await leadership.lead(() => store.expandDue(populationVersion()));
    if (queued === null || queued === 0) return;
    logger.info({ expansions: queued }, 'campaigns are being expanded again according to their refresh policy');
    wake();
  });
  return () => schedule.end();
}

/**
 * The current time; null after a jump of the clock, until the time is certain. `before(0)` would be too early if a
 * wrong clock was once trusted, because it counts ages.
 */
function certainTime(clock: Pick<ServiceClock, 'isSettled' | 'now'>): number | null {
  return clock.isSettled ? clock.now() : null;
}

async function removeOld(options: HousekeepingOptions): Promise<void> {
  const { store, retention, auditDays, conversionDays, clock } = options;
  const before = clock.before(retention.days * DAY_MS);
  const beforeAudit = clock.before(auditDays * DAY_MS);
  const beforeConversions = clock.before(conversionDays * DAY_MS);
  // if the clock has jumped, the time is null because ages are unknown
  if (before !== null) await store.prune(retention, before);
  if (beforeAudit !== null) await store.audit.prune(beforeAudit);
  if (beforeConversions !== null) await store.removeConversions(beforeConversions);
}
