/** When the expansions of a queue end, if the engine works as it does: src/engine/job-loop.ts and pool.ts. */
import type { ThreadSeconds } from './run-facts.ts';

/** Expansions that run at once: each holds the scores of all users; more would share a pass with more others. */
export const JOBS_PER_THREAD = 4;
/** Progress when all is scored and reported; the rest is the ranking. */
export const SCORED = 0.98;

/** An expansion's work that is left. */
export interface WorkLeft extends ThreadSeconds {
  /** How many threads can score it at once. */
  readonly segments: number;
}

interface Running {
  readonly place: number;
  customising: number;
  /** Of `customising`: what comes after adaptation. */
  readonly reporting: number;
  scoring: number;
  readonly segments: number;
}

/** What is less than this, in seconds, is done: sums of numbers are not exact. */
const DONE = 1e-9;

/**
 * Seconds from now until each ends, in their order, which is the order in which they start. Each adapts and then
 * reports on one thread. Threads that do not adapt score all that are adapted, side by side: their segments share
 * passes over the population.
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
    // a waiting adaptation goes before what is to be scored
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

/** Seconds until adaptation ends, or the report. */
function untilTurn({ customising, reporting }: Running): number {
  return customising > reporting + DONE ? customising - reporting : customising;
}

function toRunning({ adapting, reporting, scoring, segments }: WorkLeft, place: number): Running {
  return { place, customising: adapting + reporting, reporting, scoring, segments };
}
