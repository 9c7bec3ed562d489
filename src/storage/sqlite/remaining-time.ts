/** How long expansions still take, judged by those that ended last. */
import { endsOf, SCORED, type WorkLeft } from '../../domain/queue-time.ts';
import type { ComputedWith, Timings } from '../../domain/run-facts.ts';
import type { ExpansionState } from '../../domain/states.ts';
import type { Database } from './database/database.ts';

/** Expansions that ended last, by which others are judged. */
const RECENT = 40;
/** Width of the kernel over the logarithm of the number of seeds: those with twice as many count for six tenths. */
const WIDTH = 0.7;
/** Jobs that are looked at one by one; those behind them count as their mean. */
const MOST_JOBS = 200;

interface Past extends WorkLeft {
  readonly seeds: number;
}

interface Job {
  readonly expansion: number;
  readonly isRunning: 0 | 1;
  readonly isAdapted: 0 | 1;
  readonly seeds: number;
  readonly progress: number;
}

interface Asked {
  readonly number: number;
  readonly state: ExpansionState;
}

/**
 * Returns what tells milliseconds until an expansion ends; null if it has ended, or if nothing has by which to judge
 * it. Reads the queue once, when it is asked for the first time: it is for one call of the store.
 */
export function remainingTimes(database: Database): (asked: Asked) => number | null {
  let queue: Queue | null = null;
  return ({ number, state }) => {
    if (state !== 'queued' && state !== 'adapting' && state !== 'scoring') return null;
    queue ??= new Queue(database);
    return queue.remainingMs(number);
  };
}

class Queue {
  readonly #database: Database;
  /** Milliseconds by expansion, in the order in which they start. */
  readonly #ends: ReadonlyMap<number, number>;

  constructor(database: Database) {
    this.#database = database;
    const { past, threads } = readPast(database);
    // those that run first, then the others in the order of their turns
    const jobs = past.length === 0 ? [] : readJobs(database);
    const ends = endsOf(
      jobs.map((job) => workLeft(job, past)),
      threads,
    );
    this.#ends = new Map(jobs.map(({ expansion }, i) => [expansion, Math.round(ends[i]! * 1000)]));
  }

  remainingMs(expansion: number): number | null {
    if (this.#ends.size === 0) return null;
    return this.#ends.get(expansion) ?? this.#beyond(expansion);
  }

  /** Of one behind the jobs that were read: as long for each of the others before it. */
  #beyond(expansion: number): number | null {
    const before = countBefore(this.#database, expansion);
    if (before === null) return null;
    return Math.round((Math.max(...this.#ends.values()) * (before + 1)) / this.#ends.size);
  }
}

function workLeft(job: Job, past: readonly Past[]): WorkLeft {
  const { segments, ...work } = workOf(job.seeds, past);
  const done = (job.progress / SCORED) * (work.adapting + work.reporting + work.scoring);
  if (job.isAdapted === 0) return { ...work, segments, adapting: Math.max(0, work.adapting - done) };
  // a report and scores are made side by side, until one of them is finished
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

/** What expansions of about as many seeds have taken. */
function workOf(seeds: number, past: readonly Past[]): WorkLeft {
  const weights = past.map((other) => {
    const distance = Math.log((other.seeds + 1) / (seeds + 1)) / WIDTH;
    // those of other sizes count where there are no others
    return Math.exp(-(distance ** 2) / 2) + 1e-6;
  });
  const total = sum(weights);
  const mean = (of: (past: Past) => number) => sum(past.map((other, i) => of(other) * weights[i]!)) / total;
  return {
    adapting: mean(({ adapting }) => adapting),
    reporting: mean(({ reporting }) => reporting),
    scoring: mean(({ scoring }) => scoring),
    segments: past[0]!.segments,
  };
}

function readPast(database: Database): { readonly past: readonly Past[]; readonly threads: number } {
  const rows = database
    .prepare(
      `SELECT seeds_known + positives AS seeds, timings, computed_with AS computedWith
       FROM expansions WHERE state = 'ready' ORDER BY number DESC LIMIT ${RECENT}`,
    )
    .all() as { readonly seeds: number; readonly timings: string; readonly computedWith: string | null }[];
  const past = rows.flatMap(({ seeds, timings, computedWith }) => {
    const { threadSeconds, segments = 1 } = JSON.parse(computedWith ?? '{}') as Partial<ComputedWith>;
    const { adapting, scoring } = JSON.parse(timings) as Partial<Timings>;
    if (threadSeconds) return [{ seeds, segments, ...threadSeconds }];
    // of an earlier version, or resumed
    if (adapting === undefined || scoring === undefined) return [];
    return [{ seeds, segments, adapting, reporting: scoring, scoring: 0 }];
  });
  const { threads = 1 } = JSON.parse(rows[0]?.computedWith ?? '{}') as Partial<ComputedWith>;
  return { past, threads };
}

function readJobs(database: Database): readonly Job[] {
  return database
    .prepare(
      `SELECT e.number AS expansion, j.owner IS NOT NULL AS isRunning, e.state = 'scoring' AS isAdapted,
         e.seeds_known + e.positives AS seeds, CASE WHEN j.owner IS NULL THEN 0 ELSE e.progress END AS progress
       FROM jobs j JOIN expansions e ON e.number = j.expansion
       ORDER BY j.owner IS NULL, j.turn, j.number LIMIT ${MOST_JOBS}`,
    )
    .all() as Job[];
}

/** null if it has no job. */
function countBefore(database: Database, expansion: number): number | null {
  return database
    .prepare(
      `SELECT (SELECT count(*) FROM jobs b WHERE (b.turn, b.number) < (j.turn, j.number))
       FROM jobs j WHERE j.expansion = @expansion`,
    )
    .pluck()
    .get({ expansion }) as number | null;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
