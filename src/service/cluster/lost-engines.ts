/** Queues the work of engines whose processes have ended, without waiting for their leases to expire. */
import { pauseMs } from '../../domain/expansions.ts';
import type { Cluster } from '../../domain/ports/cluster.ts';
import type { CampaignStore } from '../../domain/ports/store.ts';
import type { Logger } from '../../lib/logging.ts';

const LOOK_EVERY_MS = 250;

export interface LostEnginesOptions {
  readonly cluster: Pick<Cluster, 'findLostOwners'>;
  readonly store: Pick<CampaignStore, 'releaseOwner'>;
  readonly logger: Logger;
  /** Tells the engines that there is new work. */
  readonly wake: () => void;
}

/**
 * Checks for lost engines until the returned function is called. Every node does this, so it works even if a node is
 * lost.
 */
export function releaseLostEngines({ cluster, store, logger, wake }: LostEnginesOptions): () => void {
  let isLooking = false;
  const look = async () => {
    for (const owner of await cluster.findLostOwners()) {
      const jobs = await store.releaseOwner(owner, 'died');
      if (jobs === 0) continue;
      logger.warn({ engine: owner, jobs }, 'the process of an engine has ended, and its jobs are back in the queue');
      wake();
      // the jobs that the engine had begun
      setTimeout(wake, pauseMs(1)).unref();
    }
  };
  const timer = setInterval(() => {
    if (isLooking) return;
    isLooking = true;
    // while the database does not answer, nobody can take over a lease
    look()
      .catch(() => {})
      .finally(() => {
        isLooking = false;
      });
  }, LOOK_EVERY_MS);
  timer.unref();
  return () => clearInterval(timer);
}
