/**
 * Ranks an expansion with the help of other engines: adapts the model, offers ranges of segments, waits for their
 * parts, and merges them. The ranking has the bytes that one engine would write.
 */
import { createHash } from 'node:crypto';
import { mergeParts } from '../../audience/parts/merge-parts.ts';
import { openRanking } from '../../audience/ranking.ts';
import { writeRanking } from '../../audience/write-ranking.ts';
import { type Blobs, untilRead } from '../../domain/ports/blobs.ts';
import {
  type OfferedRange,
  type OfferState,
  partFolder,
  unchangedFolder,
  workFolder,
} from '../../domain/ports/ranges.ts';
import { SCORED } from '../../domain/queue-time.ts';
import { findSlow } from '../../domain/range-choice.ts';
import { phaseOf, rangesOf, type SegmentRange } from '../../domain/ranges.ts';
import { mergedFolder } from '../../domain/ranking-name.ts';
import type { ThreadSeconds } from '../../domain/run-facts.ts';
import type { Job } from '../../domain/types.ts';
import type { Clock } from '../../lib/clock.ts';
import { AppError } from '../../lib/errors.ts';
import type { Cancellation } from '../../lib/threads/cancellation.ts';
import { untilAnswered } from '../../lib/until-answered.ts';
import { CUSTOMISED_FILE } from '../../model/customised.ts';
import { customiseUntilAdapted, type ExpansionObserver } from '../expansion/adapt-and-score.ts';
import { maskedVersion } from '../expansion/expansion-users.ts';
import { applyFourFifths, type Ranked, type RankedWork } from '../expansion/rank-here.ts';
import { LeaseLost, RangeFailed } from '../expansion/reasons.ts';
import { WorkTime } from '../expansion/work-time.ts';
import type { ThreadPool } from '../pool.ts';
import type { StoredCustomised } from '../thread-tasks.ts';
import type { Distribution } from './distribution.ts';
import { publishInputs, publishReport, readInputs, readReport, unrankedBits } from './range-inputs.ts';

/** Interval at which the owner reads the states of its ranges, if no event wakes it. */
const WATCH_EVERY_MS = 1000;

export type RangeDependencies = Distribution & { readonly pool: ThreadPool; readonly clock: Clock };

/** The inputs of an expansion's ranges, and the report that one engine makes meanwhile. */
interface Offered {
  readonly folder: string;
  readonly customising: Promise<StoredCustomised>;
  /** Whether an earlier attempt did part of the work. */
  readonly isResumed: boolean;
}

/**
 * Ranks an expansion in ranges. If an earlier attempt offered ranges with the same inputs, continues with its parts.
 * Users who were erased in the meantime are left out. Rejects with LeaseLost, RangeFailed, and any error of the
 * adaptation, the store or the blobs.
 */
export async function rankInRanges(
  dependencies: RangeDependencies,
  work: RankedWork,
  cancellation: Cancellation,
  observer: ExpansionObserver,
): Promise<Ranked> {
  const { blobs, clock } = dependencies;
  const { job, population, shares } = work;
  const time = new WorkTime(clock, observer.mark);
  const done = { adapting: 0, reporting: 0, scoring: 0 };
  const progress = () =>
    SCORED * (done.adapting * shares.adapting + done.reporting * shares.reporting + done.scoring * shares.scoring);
  const onDone = (change: Partial<ThreadSeconds>) => {
    Object.assign(done, change);
    observer.onProgress(progress());
  };
  const { folder, customising, isResumed } =
    (await resume(dependencies, work, { cancellation, time, onDone, observer })) ??
    (await adaptAndOffer(dependencies, work, { cancellation, time, onDone }));
  // its parts are written after this
  dependencies.own.add(folder);
  done.adapting = 1;
  await observer.onAdapted(progress());
  const watching = new AbortController();
  const reported = customising.then(async (customised) => {
    onDone({ reporting: 1 });
    // a thread is free again, which may claim ranges
    dependencies.signal.notify();
    return customised;
  });
  try {
    const onScored = (scoring: number) => onDone({ scoring });
    const finished = await Promise.race([
      untilFinished(dependencies, job, { cancellation, ended: watching.signal, onScored }),
      // a failed report ends the attempt at once
      reported.then(() => new Promise<never>(() => {})),
    ]);
    const customised = await reported;
    await observer.onAllScored();
    cancellation.check();
    population.erasures.refresh();
    const to = mergedFolder(job.campaignId, job.expansionId, job.token);
    const beside = new Map([[CUSTOMISED_FILE, customised.customised]]);
    const unchanged = job.fourFifths === null ? to : unchangedFolder(folder);
    const merged = await mergeParts(blobs, unchanged, {
      parts: finished.map(({ state }, number) => partFolder(folder, number, state.finished!)),
      users: population.directory.size,
      erased: population.erasures,
      beside,
      onTurn: () => cancellation.check(),
    });
    const fair = unchanged === to ? null : await writeFairly(blobs, { from: unchanged, to, beside }, work);
    const { fourFifths, ...written } = fair ?? { fourFifths: null, ...merged };
    const scoring = finished.reduce((sum, { state }) => sum + state.finished!.threadSeconds, 0);
    return {
      ...{ folder: to, ...written, fourFifths, customised, batchSize: finished[0]!.state.finished!.batchSize },
      threadSeconds: isResumed ? null : { ...time.seconds, scoring },
    };
  } finally {
    watching.abort();
    dependencies.own.delete(folder);
  }
}

/** Rewrites a merged ranking by the four-fifths rule. Takes 4 bytes of memory per user. */
async function writeFairly(
  blobs: Blobs,
  { from, to, beside }: { readonly from: string; readonly to: string; readonly beside: Map<string, Uint8Array> },
  { job, population }: RankedWork,
) {
  const ranking = await openRanking(blobs, from);
  try {
    const scores = await untilRead(() =>
      ranking.scoresOf(Uint32Array.from({ length: ranking.userCount }, (_, i) => i)),
    );
    const fourFifths = applyFourFifths(population, job, scores);
    return { ...(await writeRanking(blobs, to, scores, beside)), fourFifths };
  } finally {
    ranking.close();
    await blobs.delete(from);
  }
}

interface Adapting {
  readonly cancellation: Cancellation;
  readonly time: WorkTime;
  readonly onDone: (change: Partial<ThreadSeconds>) => void;
}

/** Continues with the ranges of an earlier attempt; null if there are none with the same inputs. */
async function resume(
  dependencies: RangeDependencies,
  work: RankedWork,
  { observer, ...adapting }: Adapting & { readonly observer: Pick<ExpansionObserver, 'onResumed'> },
): Promise<Offered | null> {
  const { ranges, blobs, signal } = dependencies;
  const found = await ranges.resume(work.job, keyOf(dependencies, work), rangesFor(dependencies, work));
  if (found === null) return null;
  const { folder } = found;
  try {
    const { customised } = await readInputs(blobs, folder);
    const report = await readReport(blobs, folder);
    observer.onResumed(countSegments(found));
    const customising =
      report === null
        ? adapt(dependencies, work, adapting).then(async ({ customising }) => {
            // engines score with the published model, which is the one that belongs to the ranking
            const stored = { ...(await customising), customised };
            await publishReport(blobs, folder, stored);
            return stored;
          })
        : Promise.resolve({ ...report, customised });
    customising.catch(() => {}); // awaited by the caller
    signal.notify();
    return { folder, customising, isResumed: true };
  } catch (error) {
    // without its inputs the offer is useless, so the attempt starts over
    if (error instanceof AppError) return null;
    throw error;
  }
}

/** Adapts the model, publishes the inputs of scoring, and offers the ranges. The report is finished later. */
async function adaptAndOffer(dependencies: RangeDependencies, work: RankedWork, adapting: Adapting): Promise<Offered> {
  const { ranges, blobs, golden, signal } = dependencies;
  const { job, pins, population, roles, task } = work;
  const { early, customising } = await adapt(dependencies, work, adapting);
  const customised = early ?? (await customising).customised;
  const folder = workFolder(job.expansionId, job.token);
  const unranked = unrankedBits(population, [roles.seeds, roles.suppressed, roles.filtered]);
  const { features, externalId, category } = task;
  await publishInputs(blobs, folder, { features, externalId, category, customised, unranked });
  const offer = { ...pins, key: keyOf(dependencies, work), golden, folder, ranges: rangesFor(dependencies, work) };
  if (!(await ranges.offer(job, offer))) {
    await blobs.delete(folder);
    throw new LeaseLost();
  }
  signal.notify();
  const reported = customising.then(async (stored) => {
    await publishReport(blobs, folder, stored);
    return { ...stored, customised };
  });
  reported.catch(() => {}); // awaited by the caller
  return { folder, customising: reported, isResumed: false };
}

function adapt({ pool }: RangeDependencies, { task }: RankedWork, { cancellation, time, onDone }: Adapting) {
  return customiseUntilAdapted(
    pool,
    { ...task, isShared: true },
    {
      ...{ cancellation, time },
      onProgress: (adapting) => onDone({ adapting }),
      onReported: (reporting) => onDone({ reporting }),
    },
  );
}

interface Watching {
  readonly cancellation: Cancellation;
  readonly ended: AbortSignal;
  readonly onScored: (share: number) => void;
}

/** Resolves once all ranges are finished. Lets other engines take slow ranges too. */
async function untilFinished(
  { ranges, clock, rules, signal }: RangeDependencies,
  job: Job,
  { cancellation, ended, onScored }: Watching,
): Promise<readonly OfferedRange[]> {
  while (!ended.aborted) {
    const seen = signal.count;
    cancellation.check();
    const offer = await untilAnswered(
      () => ranges.stateOf(job),
      () => cancellation.check(),
    );
    if (offer === null) throw new LeaseLost();
    const states = offer.ranges.map(({ state }) => state);
    const failed = states.find((state) => phaseOf(state, rules) === 'failed');
    if (failed !== undefined) throw new RangeFailed(failed.reason!);
    const finished = states.filter((state) => state.finished !== null);
    onScored(finished.length / states.length);
    if (finished.length === states.length) return offer.ranges;
    const slow = findSlow(states, rules, clock.now());
    if (slow.length > 0 && (await ranges.double(job, slow))) signal.notify();
    await signal.wait(WATCH_EVERY_MS, seen);
  }
  throw new LeaseLost();
}

function rangesFor({ rangeSegments }: RangeDependencies, { population }: RankedWork): readonly SegmentRange[] {
  return rangesOf(population.segmentCount, rangeSegments);
}

function countSegments({ ranges }: OfferState): number {
  return ranges.reduce((sum, { from, to, state }) => sum + (state.finished === null ? 0 : to - from), 0);
}

/**
 * Identifies everything that the parts depend on. The task's key covers the versions, the filters and the roles. With a
 * mask, the key does not cover the population version, which is therefore added.
 */
function keyOf({ golden }: RangeDependencies, { task }: RankedWork): string {
  return createHash('sha256')
    .update(JSON.stringify([task.key, task.externalId, golden, ...maskedVersion(task)]))
    .digest('hex');
}
