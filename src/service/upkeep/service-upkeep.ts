/** Upkeep of a service's files: takes over the data folder, watches the disk, and finds and repairs damage. */
import type { RankingCache } from '../../audience/ranking-cache.ts';
import { leadershipOf } from '../../domain/ports/cluster.ts';
import type { CampaignStore, StoreLocator } from '../../domain/ports/store.ts';
import type { DamagedRow } from '../../domain/ports/upkeep.ts';
import type { Clock } from '../../lib/clock.ts';
import { AppError, messageOf } from '../../lib/errors.ts';
import { DiskWatch } from '../../lib/files/disk-watch.ts';
import type { Logger } from '../../lib/logging.ts';
import { adoptStore, freeBytesOf, lockStore, openUpkeep, takeSavedStore } from '../../storage/open-store.ts';
import type { Limits } from '../limits.ts';
import type { StorageStatus } from '../ports/health.ts';
import type { ServedState } from '../served/served-state.ts';
import { DamageLog } from './damage-log.ts';
import { DatabaseWatch } from './database-watch.ts';
import { ReserveKeeper } from './reserve-keeper.ts';
import { Scrubber } from './scrubber.ts';

/**
 * If a write fails at the start and less space than this is free, the disk counts as full, whatever the size of the
 * reserve.
 */
const FULL_BYTES = 64 * 1024;

/**
 * Locks the folder, and adopts a database that was saved when its files were lost; with `adopt`, files whose database
 * is missing are moved aside. `refuse` checks the locked folder and throws if a check fails.
 * @throws the errors of `lockStore`; AppError invalid_argument if the folder cannot be taken over
 */
export async function lockFolder(
  locator: StoreLocator,
  { adopt = false, clock, logger }: { readonly adopt?: boolean; readonly clock: Clock; readonly logger: Logger },
  refuse: () => Promise<void>,
): Promise<() => void> {
  const release = await lockStore(locator);
  try {
    await refuse();
    const saved = await takeSavedStore(locator, clock.now());
    if (saved !== null)
      logger.error(
        saved,
        'the database files were lost, so the saved database is being used; files found in its place were moved aside',
      );
    if (adopt) reportAdoption(await adoptStore(locator, clock.now()), logger);
    return release;
  } catch (error) {
    release();
    throw error;
  }
}

function reportAdoption(folder: string | null, logger: Logger): void {
  if (folder === null) logger.warn('nothing to adopt: start without --adopt');
  else
    logger.warn(
      { folder },
      'the database was missing: the files that belonged to it were moved aside, and the service starts with an empty database',
    );
}

/** Records the end of a service. If nothing can be written any more, the next start has less information. */
export async function giveUp(store: CampaignStore, logger: Logger): Promise<void> {
  try {
    await store.renewGeneration();
  } catch (error) {
    logger.warn({ err: error }, 'the database generation could not be changed');
  }
}

/** Maintains the reserve, which is released for deletions on a full disk. */
export function keepReserve(
  { reserve }: CampaignStore,
  locator: StoreLocator,
  logger: Logger,
  { reserveFileBytes: bytes, diskReserveBytes, readyFreeBytes }: Limits,
): ReserveKeeper {
  const keptFreeBytes = Math.max(diskReserveBytes, readyFreeBytes);
  return new ReserveKeeper({ reserve, bytes, keptFreeBytes, freeBytes: () => freeBytesOf(locator), logger });
}

/**
 * Takes over the folder, and releases the jobs that a previous service left running. If the disk is too full to record
 * the release, the service is read-only and the leases expire.
 */
export async function takeOver(
  store: CampaignStore,
  locator: StoreLocator,
  { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
  { diskReserveBytes }: Limits,
  keeper: ReserveKeeper,
): Promise<DiskWatch> {
  const disk = new DiskWatch({
    readFree: () => freeBytesOf(locator),
    reserveBytes: diskReserveBytes,
    isGivenUp: () => keeper.isGivenUp(),
    clock,
    logger,
  });
  const { isLow, fault, freeBytes, reserveBytes } = disk.state();
  if (isLow && fault === null)
    logger.warn({ free: freeBytes, reserve: reserveBytes }, 'the disk is nearly full: the service is read-only');
  try {
    const folder = isLow ? await store.takeFolder() : await store.reserve.using(() => store.takeFolder());
    if (folder !== null) logger.error({ folder }, 'files that this database has no record of were moved aside');
    await store.removeLeftovers();
    const released = await store.releaseAll();
    if (released > 0) logger.warn({ jobs: released }, 'jobs of a previous service are back in the queue');
  } catch (error) {
    const isFull = isLow || freeBytesOf(locator) < FULL_BYTES;
    if (!isFull || !(error instanceof AppError)) throw error;
    logger.warn({ err: error }, 'jobs of a previous service wait until their leases expire');
  }
  return disk;
}

/**
 * Reports damaged rows that reads find. The damage log, which gets the reports, is created only after the store is
 * opened.
 */
export interface DamagedRows {
  report: (row: DamagedRow) => void;
}

export interface UpkeepDependencies {
  readonly disk: DiskWatch;
  readonly keeper: ReserveKeeper;
  readonly store: CampaignStore;
  readonly locator: StoreLocator;
  readonly rankings: RankingCache;
  readonly served: ServedState;
  readonly wake: () => void;
  readonly rows: DamagedRows;
  /** Called once, if the database is lost. */
  readonly onLost: () => void;
  /** The population folder that the scrubber reads; null if the folder is a copy of the cluster's population. */
  readonly scrubbedFolder: string | null;
  readonly limits: Pick<Limits, 'scrubBytesPerSecond' | 'scrubPauseMs'>;
  readonly logger: Logger;
  readonly clock: Clock;
}

/** Starts upkeep. Damage is found by reads of rankings, and by the scrubber, which reads all files. */
export async function startUpkeep(
  dependencies: UpkeepDependencies,
  closers: AsyncDisposableStack,
): Promise<StorageStatus> {
  const { disk, keeper, store, locator, rankings, served, wake, rows, onLost, logger, clock } = dependencies;
  const { scrubbedFolder: folder, limits } = dependencies;
  const onPopulationWhole = () =>
    void leadershipOf(store)
      .lead(() => expandFailed({ store, logger, wake }))
      .catch((error: unknown) => logger.error({ err: error }, 'failed expansions could not be listed'));
  const damage = new DamageLog({ store, logger, clock, wake, onPopulationWhole });
  // the start has verified the population
  onPopulationWhole();
  served.onReplaced((now, before) => {
    if (now.population !== before.population) onPopulationWhole();
  });
  rankings.onDamage((path) => damage.noteRanking(path));
  rows.report = (row) => damage.noteRow(row);
  const upkeep = await openUpkeep(locator);
  closers.defer(() => upkeep.close());
  const scrubber = new Scrubber({
    ...{ upkeep, rankings, damage, logger },
    bytesPerSecond: limits.scrubBytesPerSecond,
    pauseMs: limits.scrubPauseMs,
    population: folder === null ? null : { folder, version: () => served.now.population.version },
    isActive: () => leadershipOf(store).isLeader,
  });
  closers.defer(() => scrubber.close());
  scrubber.start();
  const watch = new DatabaseWatch({ health: store.health, onLost, logger });
  closers.defer(() => watch.close());
  return {
    disk: () => disk.state(),
    reserveFileBytes: () => store.reserve.sizeBytes(),
    isReserveGivenUp: () => keeper.isGivenUp(),
    damaged: () => damage.counts(),
    setAside: () => upkeep.setAside(),
    damage: () => damage.known(),
    suspectPopulation: () => scrubber.suspectPopulation(),
    scrubbed: () => scrubber.progress,
    refuseIfLost: () => watch.refuseIfLost(),
  };
}

/** Codes of failures that are caused by the files of the population, not by the campaign. */
const OF_THE_POPULATION: ReadonlySet<string | undefined> = new Set(['invalid_population', 'population_unavailable']);
/** Number of campaigns per page. */
const PAGE_SIZE = 100;

interface ExpandFailedOptions {
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
