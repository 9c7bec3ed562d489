/** What the leader of a cluster does, besides the tasks that every service has: it maintains the object storage. */
import type { Leadership } from '../../domain/ports/leader.ts';
import type { Logger } from '../../lib/logging.ts';
import { sweepBlobs } from '../../storage/open-store.ts';
import type { Populations } from '../ports/populations.ts';
import type { JoinedCluster } from './cluster-start.ts';

/** Interval between passes that overwrite the ids of erased users in the published tables. */
const REDACT_EVERY_MS = 10 * 60_000;
/** Interval between looks for a new published version of the population. */
const FOLLOW_EVERY_MS = 2_000;

/** Interval between removals of what killed writers left in the object storage. */
const SWEEP_EVERY_MS = 6 * 3600_000;

interface LeaderOptions extends Pick<JoinedCluster, 'cluster' | 'data' | 'served' | 'locator' | 'clock' | 'kept'> {
  readonly populations: Pick<Populations, 'activate'>;
  /** Whether to serve each version of the population as soon as it is published. */
  readonly followPopulation: boolean;
  readonly logger: Logger;
}

/** Starts the tasks. The returned function stops them. */
export function startLeaderTasks(options: LeaderOptions): () => void {
  const { cluster, data, locator, clock, kept, logger } = options;
  const { leadership } = cluster;
  const timers = [
    repeat(leadership, logger, 'overwriting the ids of erased users', REDACT_EVERY_MS, async () => {
      if ((await data.mirror.redact()) > 0) await cluster.announcements.announce('population');
    }),
    repeat(leadership, logger, 'removing leftovers of the object storage', SWEEP_EVERY_MS, async () => {
      await sweepBlobs(locator, clock, kept.note);
    }),
    ...(options.followPopulation
      ? [repeat(leadership, logger, 'serving a new population', FOLLOW_EVERY_MS, followerOf(options))]
      : []),
  ];
  return () => timers.forEach(clearInterval);
}

/** Serves the newest published version. A version that could not be served is not tried again. */
function followerOf({ data, served, populations }: LeaderOptions): () => Promise<void> {
  let refused: string | null = null;
  return async () => {
    const { newest } = data.mirror;
    if (newest === null || newest === served.now.population.version || newest === refused) return;
    try {
      await populations.activate(newest);
    } catch (error) {
      refused = newest;
      throw error;
    }
  };
}

function repeat(
  leadership: Leadership,
  logger: Logger,
  what: string,
  everyMs: number,
  action: () => Promise<void>,
): NodeJS.Timeout {
  let isAtWork = false;
  return setInterval(() => {
    if (isAtWork) return;
    isAtWork = true;
    leadership
      .lead(action)
      .catch((error: unknown) => logger.error({ err: error }, `${what} failed and will be retried`))
      .finally(() => {
        isAtWork = false;
      });
  }, everyMs).unref();
}
