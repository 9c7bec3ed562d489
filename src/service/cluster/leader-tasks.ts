/** Tasks that a cluster's leader has in addition to those of every service: it maintains the object storage. */
import type { BlobFiles } from '../../domain/ports/blob-files.ts';
import type { Cluster } from '../../domain/ports/cluster.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logging.ts';
import { type PruneModelsOptions, prunePublishedModels } from '../../model/published.ts';
import { prunePublished } from '../../population/share.ts';
import { sweepBlobs } from '../../storage/open-store.ts';
import type { Populations } from '../ports/populations.ts';
import { Schedule } from '../upkeep/schedule.ts';
import type { JoinedCluster } from './cluster-start.ts';

/** Interval between passes that overwrite the ids of erased users in the published tables. */
const REDACT_EVERY_MS = 10 * 60_000;
/** Interval between checks for a new published version of the population. */
const FOLLOW_EVERY_MS = 2_000;
/** How long the leader waits before it retries a version that could not be served. */
const REFUSED_MS = 60_000;

/** Interval between removals of published models and versions of the population that nothing needs. */
const PRUNE_EVERY_MS = 24 * 3600_000;
/** Number of newest published versions that are kept, and how long each version is kept after its publication. */
const KEPT_VERSIONS = 5;
const KEPT_MS = 30 * 24 * 3600_000;

/** Interval between removals of files that killed writers left in the object storage. */
const SWEEP_EVERY_MS = 6 * 3600_000;

interface LeaderOptions
  extends Pick<JoinedCluster, 'cluster' | 'data' | 'served' | 'store' | 'locator' | 'clock' | 'kept'> {
  readonly populations: Pick<Populations, 'activate'>;
  /** Whether to serve each version of the population as soon as it is published. */
  readonly followPopulation: boolean;
  readonly logger: Logger;
}

/** Starts the tasks. The returned function stops them. */
export function startLeaderTasks(options: LeaderOptions): () => void {
  const { cluster, data, store, locator, clock, kept, logger } = options;
  const schedule = new Schedule(cluster.leadership, logger, clock);
  schedule.repeatInLeader('overwriting the ids of erased users', REDACT_EVERY_MS, async () => {
    if ((await data.mirror.redact()) > 0) await cluster.announcements.announce('population');
  });
  schedule.repeatInLeader('removing leftovers of the object storage', SWEEP_EVERY_MS, async () => {
    await store.removeLeftovers();
    await sweepBlobs(locator, clock, kept.note);
  });
  schedule.repeatInLeader('removing old published populations', PRUNE_EVERY_MS, async () => {
    const { versions, files, bytes } = await prunePopulations(cluster, data.files, () => clock.now());
    if (versions.length + files === 0) return;
    logger.info({ versions, files, bytes }, 'published populations that nothing needs were removed');
    await cluster.announcements.announce('population');
  });
  schedule.repeatInLeader('removing old published models', PRUNE_EVERY_MS, async () => {
    const { models, files, bytes } = await pruneModels(cluster, data.files, clock);
    if (models.length + files > 0)
      logger.info({ models, files, bytes }, 'published models that nothing needs were removed');
  });
  if (options.followPopulation)
    schedule.repeatInLeader('serving a new population', FOLLOW_EVERY_MS, followerOf(options));
  return () => schedule.end();
}

/**
 * Removes published versions of the population that are old, have newer versions, and are not used by any served
 * version, running expansion or audience. If a process loses leadership meanwhile, no harm is done, because the index
 * of the published population allows only one removal at a time.
 * @throws AppError unavailable (another removal is running), invalid_population, storage_failed
 */
export function prunePopulations(
  cluster: Pick<Cluster, 'neededPopulations'>,
  files: BlobFiles,
  now: () => number,
): ReturnType<typeof prunePublished> {
  const needed = () => cluster.neededPopulations();
  return prunePublished(files, { keep: KEPT_VERSIONS, keptMs: KEPT_MS, served: [], needed, now });
}

/** Removes published models by the same rules. @throws AppError unavailable, storage_failed */
function pruneModels(
  cluster: Pick<Cluster, 'neededModels'>,
  files: BlobFiles,
  clock: PruneModelsOptions['clock'],
): ReturnType<typeof prunePublishedModels> {
  const needed = () => cluster.neededModels();
  return prunePublishedModels(files, { keep: KEPT_VERSIONS, keptMs: KEPT_MS, needed, clock });
}

type FollowerDependencies = Pick<LeaderOptions, 'populations'> & {
  readonly data: { readonly mirror: { readonly newest: string | null } };
  readonly served: { readonly now: { readonly population: { readonly version: string } } };
  readonly clock: Pick<Clock, 'elapsed'>;
};

/** Serves the newest published version. A version that could not be served is tried again later. */
export function followerOf({ data, served, populations, clock }: FollowerDependencies): () => Promise<void> {
  let refused: { readonly version: string; readonly until: number } | null = null;
  return async () => {
    const { newest } = data.mirror;
    if (newest === null || newest === served.now.population.version) return;
    if (newest === refused?.version && clock.elapsed() < refused.until) return;
    try {
      await populations.activate(newest);
    } catch (error) {
      refused = { version: newest, until: clock.elapsed() + REFUSED_MS };
      throw error;
    }
  };
}
