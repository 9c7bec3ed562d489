/** One attempt at an expansion: seeds -> customised model -> scores -> ranking -> audience version. */

import { type FoundRoles, findRoles } from '../../audience/find-roles.ts';
import { retryDelayMs } from '../../domain/expansions.ts';
import { refuseUngrouped } from '../../domain/four-fifths.ts';
import type { CampaignStore } from '../../domain/ports/store.ts';
import { signReceipt } from '../../domain/receipts.ts';
import { countExcluded, findShortfall } from '../../domain/roles.ts';
import { type Exclusions, exclusionsOf } from '../../domain/special-categories.ts';
import type { Job, Pins } from '../../domain/types.ts';
import { AppError } from '../../lib/errors.ts';
import { Cancellation } from '../../lib/threads/cancellation.ts';
import { ThreadDied } from '../../lib/threads/thread-group.ts';
import type { Population } from '../../population/read.ts';
import type { Distribution } from '../ranges/distribution.ts';
import { rankInRanges } from '../ranges/rank-in-ranges.ts';
import type { CustomiseTask, StoredCustomised } from '../thread-tasks.ts';
import type { AdaptDependencies, ExpansionObserver } from './adapt-and-score.ts';
import type { AttemptWatch, Outcome } from './attempt-watch.ts';
import { customiseTask, roleIdsOf } from './expansion-users.ts';
import { type Ranked, type RankedWork, rankHere } from './rank-here.ts';
import { LeaseLost, Refusal, reasonOf, requireLease } from './reasons.ts';
import { describePopulation, stateReceipt } from './receipt.ts';
import type { Pace } from './work-time.ts';

/** Interval at which an attempt checks whether its expansion was cancelled, superseded or deleted. */
const WATCH_EVERY_MS = 200;
/** The same in a cluster, where each check is a call of the database. */
const WATCH_CLUSTER_EVERY_MS = 1000;
/** Interval between attempts to write an outcome while the store cannot be written. */
const STORE_DELAY_MS = 1000;

export interface ExpandDependencies extends AdaptDependencies {
  readonly store: CampaignStore;
  readonly pace: Pace;
  /**
   * The versions of the pool's model and of the population that is served with this model. A first attempt pins these
   * versions.
   */
  readonly versions: Pins;
  /** The sha256 of the model's files. */
  readonly modelSha256: string;
  /** Opens a published version of the population. */
  openPopulation(version: string): Promise<Population>;
  /** How ranges are offered to all engines of a cluster; null if this engine works alone. */
  readonly distribution: Distribution | null;
  readonly minimumSeeds: number;
  /** Called each time that writing an attempt's outcome fails, before the write is retried. */
  onStoreError(error: AppError): void;
}

/**
 * Runs one attempt at a claimed job to its end. Failures caused by the environment are recorded as a state with a
 * reason. While the store cannot be written (for example on a full disk), the attempt waits, so that the reason is not
 * lost.
 * @throws ThreadDied, after which the engine ends and the supervisor releases the job
 */
export async function expand(dependencies: ExpandDependencies, watch: AttemptWatch): Promise<Outcome> {
  const { store } = dependencies;
  const { job } = watch;
  const cancellation = new Cancellation();
  let isAsking = false;
  const everyMs = store.cluster === null ? WATCH_EVERY_MS : WATCH_CLUSTER_EVERY_MS;
  const watching = setInterval(async () => {
    // a store that does not answer is not asked again
    if (isAsking) return;
    isAsking = true;
    if (!(await isHeld(store, job))) cancellation.cancel();
    isAsking = false;
  }, everyMs);
  try {
    return await attempt(dependencies, watch, cancellation);
  } catch (error) {
    if (error instanceof LeaseLost || cancellation.isCancelled) {
      await store.removeUnusedFiles();
      return { kind: 'lost' };
    }
    if (error instanceof ThreadDied) throw error;
    const reason = reasonOf(error, store.cluster !== null);
    const isFinal = error instanceof Refusal;
    const isWritten = await untilStored(dependencies, async () =>
      isFinal ? await store.end(job, 'failed', reason) : await store.retryLater(job, reason, retryDelayMs(job)),
    );
    return { kind: !isWritten ? 'lost' : isFinal ? 'failed' : 'retry', reason, error };
  } finally {
    clearInterval(watching);
    void dependencies.distribution?.sweep();
  }
}

/**
 * Whether this attempt still has the job. Also true if the store cannot be read now, because the next stage will report
 * this error.
 */
async function isHeld(store: CampaignStore, job: Job): Promise<boolean> {
  try {
    return await store.isHeld(job);
  } catch {
    return true;
  }
}

async function attempt(
  dependencies: ExpandDependencies,
  watch: AttemptWatch,
  cancellation: Cancellation,
): Promise<Outcome> {
  const { store, clock, pool, pace } = dependencies;
  const { job, timings } = watch;
  timings['queued'] = Math.max(0, clock.now() - job.queuedAt) / 1000;
  const pins = await store.pin(job, dependencies.versions);
  const population = await openPinned(dependencies, pins);
  watch.begin();
  const onTurn = () => requireLease(!cancellation.isCancelled);
  const rows = await findRoles(population, await roleIdsOf(store, job), job.filters, onTurn, job.category);
  const described = describePopulation(population);
  watch.stageEnded('finding');
  const { rowCount } = population;
  const shortfall = findShortfall(rows, rowCount, dependencies.minimumSeeds, rows.seedRows?.rows.count);
  if (shortfall) {
    requireLease(await store.end(job, shortfall.kind, shortfall.reason, timings));
    return shortfall;
  }
  const task = taskOf(job, pins, population, rows);
  const excluded = exclusionsOf(population, job.category);
  const work = { job, pins, population, task, roles: rows, shares: pace.shares };
  watch.mark.end();
  const ranked = await rank(dependencies, work, cancellation, watch);
  const { folder, candidates, customised, batchSize, fourFifths, threadSeconds } = ranked;
  watch.stageEnded('ranking');
  if (candidates === 0) throw new Refusal({ code: 'no_candidates', message: 'every candidate was erased' });
  const { epochs, quality: held_out, prediction } = customised;
  const statement = stateReceipt(dependencies, { ...work, population: described, excluded }, ranked);
  requireLease(
    await store.finish(job, {
      folder,
      candidates,
      populationSize: population.rowCount,
      excluded: countExcluded(rows),
      timings,
      computedWith: {
        ...{ ...pool.computedWith, batchSize, segments: population.segmentCount },
        ...(threadSeconds && { threadSeconds }),
      },
      quality: {
        epochs,
        held_out,
        prediction,
        ...(excluded && { excluded: describeExclusions(excluded, customised) }),
        ...(fourFifths && { four_fifths: fourFifths }),
      },
      receipt: signReceipt(statement, await store.receipts.key()),
    }),
  );
  if (threadSeconds) pace.learn(threadSeconds);
  return { kind: 'ready', timings };
}

/**
 * @throws Refusal if the campaign's category, or the groups of its four-fifths rule, do not fit the pinned population
 */
function taskOf(job: Job, pins: Pins, population: Population, rows: FoundRoles): CustomiseTask {
  try {
    refuseUngrouped(population, job);
    return customiseTask(job, pins.modelVersion, population, rows);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    throw new Refusal({ code: error.code, message: error.message }, error);
  }
}

/** What the campaign's category excluded, and the prediction without the exclusion. */
function describeExclusions({ category, features, campaigns }: Exclusions, { unmasked = null }: StoredCustomised) {
  return { category, features, past_campaigns: campaigns.length, prediction_with_all_features: unmasked };
}

/** Ranks in ranges that all engines of a cluster score, unless the population has only one range. */
async function rank(
  dependencies: ExpandDependencies,
  work: RankedWork,
  cancellation: Cancellation,
  observer: ExpansionObserver,
): Promise<Ranked> {
  const { distribution } = dependencies;
  return distribution !== null && work.population.segmentCount > distribution.rangeSegments
    ? rankInRanges({ ...dependencies, ...distribution }, work, cancellation, observer)
    : rankHere(dependencies, work, cancellation, observer);
}

/**
 * Opens the pinned population version.
 * @throws Refusal if this version cannot be opened, or if another model is pinned
 */
async function openPinned(dependencies: ExpandDependencies, pins: Pins): Promise<Population> {
  const { modelVersion } = dependencies.versions;
  if (pins.modelVersion !== modelVersion) {
    throw new Refusal({
      code: 'model_unavailable',
      message: `the expansion began with model ${pins.modelVersion}, but now ${modelVersion} is served`,
      model_version: pins.modelVersion,
    });
  }
  try {
    return await dependencies.openPopulation(pins.populationVersion);
  } catch (error) {
    const message = `population version ${pins.populationVersion} cannot be used: see the log`;
    throw new Refusal({ code: 'population_unavailable', message, population_version: pins.populationVersion }, error);
  }
}

/** Retries until the store can be written. A full disk that ended the attempt may also block this write. */
export async function untilStored(
  { onStoreError }: Pick<ExpandDependencies, 'onStoreError'>,
  action: () => Promise<boolean>,
): Promise<boolean> {
  for (;;) {
    try {
      return await action();
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      onStoreError(error);
      await new Promise((resolve) => setTimeout(resolve, STORE_DELAY_MS));
    }
  }
}
