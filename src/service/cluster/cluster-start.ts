/**
 * Starts a process of a cluster: opens its store, clock and copies of shared data, and publishes the first served
 * versions.
 */
import { join } from 'node:path';
import type { Cluster } from '../../domain/ports/cluster.ts';
import type { CampaignStore, StoreLocator } from '../../domain/ports/store.ts';
import { type ServedVersions, servedModelOf } from '../../domain/served.ts';
import type { EngineSupervisor } from '../../engine/supervisor.ts';
import { systemClock } from '../../lib/clock.ts';
import { assert, UsageError } from '../../lib/errors.ts';
import { DiskWatch } from '../../lib/files/disk-watch.ts';
import { createFolder } from '../../lib/files/durable-files.ts';
import type { Logger } from '../../lib/logging.ts';
import type { ServiceClock } from '../../lib/service-clock.ts';
import type { TelemetrySettings } from '../../lib/tracing.ts';
import { untilAnswered } from '../../lib/until-answered.ts';
import { publishModelFolder } from '../../model/published.ts';
import { summarise } from '../../model/versions.ts';
import { bind } from '../../online/binding.ts';
import { findCurrentVersion, type Population, PopulationOpener } from '../../population/read.ts';
import { publishPopulation } from '../../population/share.ts';
import {
  freeBytesOf,
  locateSharedStore,
  openBlobFiles,
  openSharedClock,
  openStore,
  requireUsableBlobs,
  requireUsableStore,
  takeBlobs,
} from '../../storage/open-store.ts';
import type { Limits } from '../limits.ts';
import { requireWritable } from '../require-writable.ts';
import { ServedState } from '../served/served-state.ts';
import { type EngineOptions, superviseEngine } from '../service-engine.ts';
import { openTelemetryOf } from '../service-telemetry.ts';
import { keepTime, openServiceClock } from '../service-time.ts';
import type { ReserveKeeper } from '../upkeep/reserve-keeper.ts';
import { type DamagedRows, keepReserve } from '../upkeep/service-upkeep.ts';
import { KeptVersions } from './kept-versions.ts';
import { RowRecord, ServedFollower } from './row-record.ts';
import { SharedData } from './shared-data.ts';

/** The folder of cached blobs, beside those of models and the population. */
const BLOBS_FOLDER = 'blobs';
/** How long a start waits before it logs what it is waiting for. */
const SILENT_MS = 2_000;

export interface ClusterOptions {
  /** URL of the database. It may contain a password, so it is never logged. */
  readonly store: string;
  /** URL of the object storage. */
  readonly blobs: string;
  /** Cache folder for data from the object storage. */
  readonly cache: string;
  /** A model folder and a population folder, which are published and served if the cluster serves nothing yet. */
  readonly model?: string | null;
  readonly population?: string | null;
  readonly logger: Logger;
  readonly telemetry?: TelemetrySettings | null;
}

/** The parts that every process of a cluster has. */
export interface JoinedCluster {
  readonly locator: StoreLocator;
  readonly clock: ServiceClock;
  /** The disk of the cache. */
  readonly disk: DiskWatch;
  readonly store: CampaignStore;
  readonly cluster: Cluster;
  readonly rows: DamagedRows;
  readonly telemetry: Awaited<ReturnType<typeof openTelemetryOf>>;
  readonly data: SharedData;
  readonly record: RowRecord;
  readonly served: ServedState;
  /** Counts deleted data that rules of the bucket keep. */
  readonly kept: KeptVersions;
}

/**
 * Opens the parts that every process of a cluster has, and follows the versions that the cluster serves. Each part
 * pushes a close function onto `closers`.
 * @throws UsageError if the cluster serves nothing and no model and population are given; AppError invalid_argument
 * (also if the database or the storage lacks what a cluster needs), unavailable, storage_failed, invalid_model,
 * invalid_population
 */
export async function joinCluster(
  options: ClusterOptions,
  limits: Limits,
  closers: AsyncDisposableStack,
  answersRequests: boolean,
): Promise<JoinedCluster> {
  const { logger, cache } = options;
  const { blobCacheBytes: cacheBytes } = limits;
  const blobs = { url: options.blobs, cacheFolder: join(cache, BLOBS_FOLDER), cacheBytes };
  const locator = locateSharedStore(options.store, blobs);
  requireWritable(cache);
  createFolder(blobs.cacheFolder);
  const { blobPatienceMs: patienceMs } = limits;
  await announced(logger, 'the database', patienceMs, untilUsable(locator, patienceMs));
  const database = await openSharedClock(locator);
  closers.defer(() => database.close());
  const clock = openServiceClock({ clock: database, logger, settleMs: limits.clockSettleMs });
  await announced(logger, 'the object storage', patienceMs, requireUsableBlobs(options.blobs, clock));
  const disk = new DiskWatch({
    readFree: () => freeBytesOf(locator),
    reserveBytes: limits.diskReserveBytes,
    cacheFolder: blobs.cacheFolder,
    clock,
    logger,
  });
  const kept = new KeptVersions(logger, clock);
  const telemetry = await openTelemetryOf({ ...options, clock }, closers);
  const { minimumSeeds, leaseMs, maximumAttempts } = limits;
  const rows: DamagedRows = { report: () => {} };
  const store = await openStore(locator, {
    ...{ clock, minimumSeeds, leaseMs, maximumAttempts, traceparent: () => telemetry?.current() ?? null },
    onDamagedRow: (row) => rows.report(row),
    onKept: kept.note,
    answersRequests,
  });
  closers.defer(() => store.close());
  const { cluster } = store;
  assert(cluster !== null, 'a shared store has a cluster');
  closers.defer(keepTime(clock, store, logger));
  const found = await cluster.served.get();
  const files = await openBlobFiles(options.blobs, clock, kept.note);
  await takeBlobs(files, { databaseId: await cluster.databaseId(), isInUse: found !== null });
  const data = await SharedData.open({
    ...{
      files,
      announcements: cluster.announcements,
      cache,
      mirrorBytes: limits.mirrorBytes,
      kind: answersRequests ? 'node' : 'engine',
      now: clock.now.bind(clock),
      logger,
    },
  });
  closers.defer(() => data.close());
  if (found !== null) noteIgnored(options, found);
  const versions = found ?? (await publishFirst(options, cluster, data, () => clock.now()));
  const record = new RowRecord(cluster.served, data, versions);
  const served = await openServed(versions, data);
  data.mirror.onChanged(() => served.now.population.erasures.refresh());
  const follower = new ServedFollower({ row: cluster.served, record, data, served, logger });
  closers.defer(() => follower.close());
  return { locator, clock, disk, store, cluster, rows, telemetry, data, record, served, kept };
}

/** Waits for a database that is unreachable or a standby, as long as for the object storage. */
function untilUsable(locator: StoreLocator, patienceMs: number): Promise<unknown> {
  const start = systemClock.elapsed();
  return untilAnswered(
    () => requireUsableStore(locator),
    (error) => {
      if (systemClock.elapsed() - start > patienceMs) throw error;
    },
  );
}

/** Logs that the start is waiting, and for what. */
async function announced<T>(logger: Logger, what: string, patienceMs: number, work: Promise<T>): Promise<T> {
  const say = () => logger.warn({ patience_ms: patienceMs }, `the start waits for ${what}`);
  const timer = setTimeout(say, SILENT_MS);
  try {
    return await work;
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Warns if the given versions differ from those that the cluster serves, because they only matter on the first start.
 */
function noteIgnored({ model, population, logger }: ClusterOptions, found: ServedVersions): void {
  for (const [what, given, served] of [
    ['model', model && summarise(model)?.manifest.version, servedModelOf(found)],
    ['population', population && findCurrentVersion(population), found.population],
  ] as const)
    if (given && given !== served)
      logger.warn(
        { given, served },
        `the given ${what} is ignored, because the cluster serves another: publish it with metaheac ${what} publish, ` +
          'and activate it',
      );
}

/** Publishes the model and the population of the first node, and returns the versions that the cluster now serves. */
async function publishFirst(
  { model, population }: ClusterOptions,
  { served: row, announcements }: Cluster,
  { files, mirror }: SharedData,
  now: () => number,
): Promise<ServedVersions> {
  if (!model || !population)
    throw new UsageError(
      'the cluster serves nothing yet: give --model and --population to one node, which publishes and serves them',
    );
  const published = await publishModelFolder(files, model);
  const { version } = await publishPopulation(population, files, findCurrentVersion(population), { now });
  await announcements.announce('population');
  await mirror.sync();
  const first = { kind: 'start' as const, model: published.version, population: version };
  // another node may have been faster
  return (await row.change(0, first)) ?? (await row.get())!;
}

async function openServed(versions: ServedVersions, data: SharedData): Promise<ServedState> {
  const [model] = await Promise.all([
    data.fetchModel(servedModelOf(versions)),
    data.fetchPopulation(versions.population),
  ]);
  const opener = new PopulationOpener();
  let population: Population;
  try {
    population = await opener.open(data.population, versions.population);
  } finally {
    await opener.close();
  }
  bind(model, population);
  return new ServedState(model, population);
}

/** Creates the supervisor of one of the cluster's engines, and wakes the engine when other processes announce work. */
export function superviseSharedEngine(
  options: ClusterOptions & EngineOptions,
  joined: JoinedCluster,
  limits: Limits,
  expands = true,
): { readonly supervisor: EngineSupervisor; readonly keeper: ReserveKeeper } {
  const { store, locator, cluster, data } = joined;
  const keeper = keepReserve(store, locator, options.logger, limits);
  const shared = { blobs: options.blobs, mirrorBytes: limits.mirrorBytes };
  const { models, population } = data;
  const supervisor = superviseEngine(options, { ...joined, keeper, models, population, limits, expands, shared });
  cluster.announcements.onAnnounced('jobs', () => supervisor.wake());
  return { supervisor, keeper };
}
