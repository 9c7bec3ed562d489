/**
 * Estimates when the expansions in a queue will end, based on how the engine works (src/engine/engine.ts, pool.ts).
 */
import type { ThreadSeconds } from './run-facts.ts';

/**
 * Maximum number of concurrent expansions per thread. Each expansion holds the scores of all users in memory, and slows
 * down the passes of other expansions over the population.
 */
export const JOBS_PER_THREAD = 4;
/**
 * An expansion's progress when all users are scored and the report is finished. Ranking makes up the remaining
 * progress.
 */
export const SCORED = 0.98;

/** The remaining work of an expansion. */
export interface WorkLeft extends ThreadSeconds {
  /** Number of segments, which is the maximum number of threads that can score the expansion at once. */
  readonly segments: number;
}

interface Running {
  readonly place: number;
  customising: number;
  /** The part of `customising` that comes after adaptation. */
  readonly reporting: number;
  scoring: number;
  readonly segments: number;
}

/** Remaining work of fewer seconds than this counts as done, because sums of floating-point numbers are not exact. */
const DONE = 1e-9;

/**
 * Returns the seconds from now until each expansion ends. Expansions start in the order of the queue, which is also the
 * order of the results. Each expansion adapts and then reports on one thread. The other threads score all adapted
 * expansions in shared passes over the population.
 */
export function endsOf(
  queue: readonly WorkLeft[],
  threads: number,
  jobs = threads * JOBS_PER_THREAD,
): readonly number[] {
  const ends: number[] = [];
  const running: Running[] = [];
  let next = 0;
  let now = 0;
  while (next < queue.length || running.length > 0) {
    while (running.length < jobs && next < queue.length) running.push(toRunning(queue[next]!, next++));
    const customising = running.filter((job) => job.customising > DONE).slice(0, threads);
    const scoring = running.filter((job) => job.scoring > DONE && job.customising <= job.reporting + DONE);
    const free = threads - customising.length;
    // waiting adaptations have priority over scoring
    const rateOf = ({ segments }: Running) => Math.min(free / scoring.length, segments);
    const step = Math.min(
      ...customising.map((job) => untilTurn(job)),
      ...(free > 0 ? scoring.map((job) => job.scoring / rateOf(job)) : []),
    );
    if (Number.isFinite(step)) {
      now += step;
      for (const job of customising) job.customising -= step;
      if (free > 0) for (const job of scoring) job.scoring -= step * rateOf(job);
    }
    for (let i = running.length - 1; i >= 0; i--) {
      const job = running[i]!;
      if (job.customising > DONE || job.scoring > DONE) continue;
      ends[job.place] = now;
      running.splice(i, 1);
    }
  }
  return ends;
}

/** Seconds until the current phase of the expansion (adaptation or report) ends. */
function untilTurn({ customising, reporting }: Running): number {
  return customising > reporting + DONE ? customising - reporting : customising;
}

function toRunning({ adapting, reporting, scoring, segments }: WorkLeft, place: number): Running {
  return { place, customising: adapting + reporting, reporting, scoring, segments };
}

/** The work of a past expansion, used to estimate the work of other expansions. */
export interface PastWork extends WorkLeft {
  readonly seeds: number;
}

/** An expansion in the queue. */
export interface QueuedWork {
  readonly seeds: number;
  /** The progress of the running attempt. */
  readonly progress: number;
  readonly isAdapted: boolean;
}

/**
 * Width of the kernel that weights past expansions by the logarithm of their number of seeds. A past expansion with
 * twice as many seeds has a weight of .6.
 */
const WIDTH = 0.7;

/** Estimates the remaining work of an expansion from past expansions. There must be at least one past expansion. */
export function workLeft({ seeds, progress, isAdapted }: QueuedWork, past: readonly PastWork[]): WorkLeft {
  const { segments, ...work } = workOf(seeds, past);
  const done = (progress / SCORED) * (work.adapting + work.reporting + work.scoring);
  if (!isAdapted) return { ...work, segments, adapting: Math.max(0, work.adapting - done) };
  // the report and the scoring run concurrently until one of them is finished
  const later = Math.max(0, done - work.adapting);
  const half = Math.min(later / 2, work.reporting, work.scoring);
  const [reporting, scoring] = work.reporting < work.scoring ? [half, later - half] : [later - half, half];
  return {
    segments,
    adapting: 0,
    reporting: Math.max(0, work.reporting - reporting),
    scoring: Math.max(0, work.scoring - scoring),
  };
}

/**
 * The mean work of past expansions. The weight of a past expansion depends on how close its number of seeds is to the
 * queued expansion's number of seeds.
 */
function workOf(seeds: number, past: readonly PastWork[]): WorkLeft {
  const weights = past.map((other) => {
    const distance = Math.log((other.seeds + 1) / (seeds + 1)) / WIDTH;
    // expansions of a very different size count only if there are no expansions of a similar size
    return Math.exp(-(distance ** 2) / 2) + 1e-6;
  });
  const total = sum(weights);
  const mean = (of: (past: PastWork) => number) => sum(past.map((other, i) => of(other) * weights[i]!)) / total;
  return {
    adapting: mean(({ adapting }) => adapting),
    reporting: mean(({ reporting }) => reporting),
    scoring: mean(({ scoring }) => scoring),
    segments: past[0]!.segments,
  };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
