/** The start of a process of a cluster: its store and clock, copies of shared data, and the first served versions. */
import { join } from 'node:path';
import type { Cluster } from '../../domain/ports/cluster.ts';
import type { CampaignStore, StoreLocator } from '../../domain/ports/store.ts';
import { type ServedVersions, servedModelOf } from '../../domain/served.ts';
import { assert, UsageError } from '../../lib/errors.ts';
import type { Logger } from '../../lib/logging.ts';
import type { ServiceClock } from '../../lib/service-clock.ts';
import type { TelemetrySettings } from '../../lib/tracing.ts';
import { publishModelFolder } from '../../model/share.ts';
import { bind } from '../../online/binding.ts';
import { findCurrentVersion, type Population, PopulationOpener } from '../../population/read.ts';
import { publishPopulation } from '../../population/share.ts';
import {
  locateSharedStore,
  openBlobFiles,
  openSharedClock,
  openStore,
  requireUsableBlobs,
  requireUsableStore,
} from '../../storage/open-store.ts';
import type { Limits } from '../limits.ts';
import { requireWritable } from '../require-writable.ts';
import { ServedState } from '../served/served-state.ts';
import type { Closers } from '../service-parts.ts';
import { openTelemetryOf } from '../service-telemetry.ts';
import { keepTime, openServiceClock } from '../service-time.ts';
import type { DamagedRows } from '../upkeep/service-upkeep.ts';
import { KeptVersions } from './kept-versions.ts';
import { RowRecord, ServedFollower } from './row-record.ts';
import { SharedData } from './shared-data.ts';

/** The folder of cached blobs, beside those of models and the population. */
const BLOBS_FOLDER = 'blobs';

export interface ClusterOptions {
  /** URL of the database. It may contain a password, so it is never logged. */
  readonly store: string;
  /** URL of the object storage. */
  readonly blobs: string;
  /** Folder for what was read from the object storage. */
  readonly cache: string;
  /** A model folder and a population folder to publish, which are served if the cluster serves nothing yet. */
  readonly model?: string | null;
  readonly population?: string | null;
  readonly logger: Logger;
  readonly telemetry?: TelemetrySettings | null;
}

/** What every process of a cluster has. */
export interface JoinedCluster {
  readonly locator: StoreLocator;
  readonly clock: ServiceClock;
  readonly store: CampaignStore;
  readonly cluster: Cluster;
  readonly rows: DamagedRows;
  readonly telemetry: Awaited<ReturnType<typeof openTelemetryOf>>;
  readonly data: SharedData;
  readonly record: RowRecord;
  readonly served: ServedState;
  /** What rules of the bucket keep of what this process deleted. */
  readonly kept: KeptVersions;
}

/**
 * Opens what every process of a cluster has, and follows the versions that the cluster serves. Each part pushes a close
 * function onto `closers`.
 * @throws UsageError if the cluster serves nothing and no model and population are given; AppError invalid_argument
 * (also if the database or the storage lacks what a cluster needs), unavailable, storage_failed, invalid_model,
 * invalid_population
 */
export async function joinCluster(options: ClusterOptions, limits: Limits, closers: Closers): Promise<JoinedCluster> {
  const { logger, cache } = options;
  const { blobCacheBytes: cacheBytes } = limits;
  const blobs = { url: options.blobs, cacheFolder: join(cache, BLOBS_FOLDER), cacheBytes };
  const locator = locateSharedStore(options.store, blobs);
  requireWritable(cache);
  await requireUsableStore(locator);
  const database = await openSharedClock(locator);
  closers.push(() => database.close());
  const clock = openServiceClock({ clock: database, logger, settleMs: limits.clockSettleMs });
  await requireUsableBlobs(locator, clock);
  const kept = new KeptVersions(logger, clock);
  const telemetry = await openTelemetryOf({ ...options, clock }, closers);
  const { minimumSeeds, leaseMs, maximumAttempts } = limits;
  const rows: DamagedRows = { report: () => {} };
  const store = await openStore(locator, {
    ...{ clock, minimumSeeds, leaseMs, maximumAttempts, traceparent: () => telemetry?.current() ?? null },
    onDamagedRow: (row) => rows.report(row),
    onKept: kept.note,
  });
  closers.push(() => store.close());
  const { cluster } = store;
  assert(cluster !== null, 'a shared store has a cluster');
  closers.push(keepTime(clock, store, logger));
  const data = await SharedData.open({
    files: await openBlobFiles(options.blobs, clock, kept.note),
    ...{
      announcements: cluster.announcements,
      cache,
      mirrorBytes: limits.mirrorBytes,
      now: clock.now.bind(clock),
      logger,
    },
  });
  closers.push(() => data.close());
  const versions = await settleServed(options, cluster, data, () => clock.now());
  const record = new RowRecord(cluster.served, data, versions);
  const served = await openServed(versions, data);
  data.mirror.onChanged(() => served.now.population.erasures.refresh());
  const follower = new ServedFollower({ row: cluster.served, record, data, served, logger });
  closers.push(() => follower.close());
  return { locator, clock, store, cluster, rows, telemetry, data, record, served, kept };
}

/** Publishes what is given, and returns what the cluster serves. */
async function settleServed(
  { model, population, logger }: ClusterOptions,
  { served: row, announcements }: Cluster,
  { files, mirror }: SharedData,
  now: () => number,
): Promise<ServedVersions> {
  const given = {
    model: model ? (await publishModelFolder(files, model)).version : null,
    population: population
      ? (await publishPopulation(population, files, findCurrentVersion(population), { now })).version
      : null,
  };
  if (given.population !== null) {
    await announcements.announce('population');
    await mirror.sync();
  }
  const found = await row.get();
  if (found !== null) {
    for (const [what, version, current] of [
      ['model', given.model, servedModelOf(found)],
      ['population', given.population, found.population],
    ] as const)
      if (version !== null && version !== current)
        logger.warn({ version, served: current }, `the given ${what} is published, but the cluster serves another`);
    return found;
  }
  if (given.model === null || given.population === null)
    throw new UsageError(
      'the cluster serves nothing yet: give --model and --population to one node, which publishes and serves them',
    );
  const first = { kind: 'start' as const, model: given.model, population: given.population };
  // of several first nodes, one is faster
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
