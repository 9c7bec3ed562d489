/** How long expansions still take, judged by those that ended last. */
import type { ExpansionState } from '../campaigns/states.ts';
import type { Database } from './database.ts';

/** Expansions that ended last, by which others are judged. */
const RECENT = 40;
/** Width of the kernel over the logarithm of the number of seeds: those with twice as many count for six tenths. */
const WIDTH = 0.7;
/** Jobs that are looked at one by one; those behind them count as their mean. */
const MOST_JOBS = 200;
/** Expansions that run at once, for each thread of the engine (src/worker/job-loop.ts). */
const JOBS_PER_THREAD = 4;

interface Past {
  readonly seeds: number;
  /** Of the engine: of time shared with others, its part. */
  readonly seconds: number;
  readonly threads: number;
}

interface Job {
  readonly expansion: number;
  readonly isRunning: 0 | 1;
  readonly seeds: number;
  readonly progress: number;
}

interface Asked {
  readonly number: number;
  readonly state: ExpansionState;
  readonly progress: number;
}

/**
 * Returns what tells milliseconds until an expansion ends; null if it has ended, or if nothing has by which to judge
 * it. Reads the queue once, when it is asked for the first time: it is for one call of the store.
 */
export function remainingTimes(database: Database): (asked: Asked) => number | null {
  let queue: Queue | null = null;
  return ({ number, state, progress }) => {
    if (state !== 'queued' && state !== 'adapting' && state !== 'scoring') return null;
    queue ??= new Queue(database);
    return queue.remainingMs(number, progress);
  };
}

class Queue {
  readonly #past: readonly Past[];
  /** Those that run first, then the others in the order of their turns. */
  readonly #jobs: readonly Job[];
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
    this.#past = readPast(database);
    this.#jobs = this.#past.length === 0 ? [] : readJobs(database);
  }

  /**
   * The engine works at several expansions at once and adapts all of them before it scores, so that those which run
   * end together: one waits for all of them, for those before it in the queue, and on average for half of those that
   * start before it ends.
   */
  remainingMs(expansion: number, progress: number): number | null {
    if (this.#past.length === 0) return null;
    const place = this.#jobs.findIndex((job) => job.expansion === expansion);
    const running = this.#jobs.filter(({ isRunning }) => isRunning === 1);
    if (place < 0) return this.#beyond(expansion);
    const ahead = place < running.length ? running : this.#jobs.slice(0, place + 1);
    const beside = this.#jobs.slice(ahead.length, ahead.length + this.#window() - 1);
    const own = this.#jobs[place]!;
    const seconds = sum(ahead.map((job) => this.#left(job === own ? { ...job, progress } : job)));
    const shared = place < running.length ? 0 : sum(beside.map((job) => this.#left(job))) / 2;
    return Math.round((seconds + shared) * 1000);
  }

  /** Of one behind the jobs that were read: they, and the mean of them for each of the others before it. */
  #beyond(expansion: number): number | null {
    const before = countBefore(this.#database, expansion);
    if (before === null) return null;
    const seconds = sum(this.#jobs.map((job) => this.#left(job)));
    return Math.round(((seconds * (before + 1)) / this.#jobs.length) * 1000);
  }

  /** Seconds of the engine. */
  #left({ seeds, progress }: Job): number {
    let [weights, weighted] = [0, 0];
    for (const past of this.#past) {
      const distance = Math.log((past.seeds + 1) / (seeds + 1)) / WIDTH;
      // those of other sizes count where there are no others
      const weight = Math.exp(-(distance ** 2) / 2) + 1e-6;
      weights += weight;
      weighted += weight * past.seconds;
    }
    return (weighted / weights) * (1 - progress);
  }

  #window(): number {
    return this.#past[0]!.threads * JOBS_PER_THREAD;
  }
}

function readPast(database: Database): readonly Past[] {
  const rows = database
    .prepare(
      `SELECT seeds_known + positives AS seeds, computed_with ->> 'threads' AS threads,
         coalesce(computed_with ->> 'engineSeconds', (timings ->> 'adapting') + (timings ->> 'scoring')) AS seconds
       FROM expansions WHERE state = 'ready' ORDER BY number DESC LIMIT ${RECENT}`,
    )
    .all() as { readonly seeds: number; readonly seconds: number | null; readonly threads: number | null }[];
  return rows.flatMap(({ seeds, seconds, threads }) =>
    seconds === null ? [] : [{ seeds, seconds, threads: threads ?? 1 }],
  );
}

function readJobs(database: Database): readonly Job[] {
  return database
    .prepare(
      `SELECT e.number AS expansion, j.owner IS NOT NULL AS isRunning, e.seeds_known + e.positives AS seeds,
         CASE WHEN j.owner IS NULL THEN 0 ELSE e.progress END AS progress
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
