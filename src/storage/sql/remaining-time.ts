/** Reads the data for estimates of remaining time: recent expansions, and the queue. */
import { endsOf, type PastWork, type QueuedWork, workLeft } from '../../domain/queue-time.ts';
import type { ComputedWith, Timings } from '../../domain/run-facts.ts';
import { EXPANSION_STATES, type ExpansionState, isEnd } from '../../domain/states.ts';
import { type Column, flag, json, plain, type RowOf, readRow, selectList } from './columns.ts';
import type { Sql } from './sql.ts';

/** Number of recent expansions that estimates are based on. */
const RECENT = 40;
/**
 * Number of jobs that are simulated one by one. Each job after these is assumed to take the mean time of a simulated
 * job.
 */
const MOST_JOBS = 200;
/** Maximum number of jobs to count. For an expansion further back in the queue, the time is unknown. */
const MOST_COUNTED = 10_000;

const JOB = {
  expansion: plain<number>('e.number'),
  owner: plain<string | null>('j.owner'),
  turn: plain<number>('j.turn'),
  isAdapted: flag("e.state = 'scoring'"),
  seeds: plain<number>('e.seeds_known + e.seeds_outside + e.positives'),
  progress: plain<number>('CASE WHEN j.owner IS NULL THEN 0 ELSE e.progress END'),
} satisfies Record<keyof QueuedWork | 'expansion' | 'owner' | 'turn', Column<unknown>>;

type Job = RowOf<typeof JOB>;

interface Asked {
  readonly number: number;
  readonly state: ExpansionState;
}

/**
 * Milliseconds until an expansion ends; null if it has ended or if there are no recent expansions. Valid only for the
 * requested expansions.
 */
export type RemainingTime = (expansion: number) => number | null;

/** For expansions that have ended. */
export const NO_TIME: RemainingTime = () => null;

/** Estimates the remaining time of expansions. The queue is read only if one of them has not ended. */
export async function remainingTimes(sql: Sql, asked: readonly Asked[]): Promise<RemainingTime> {
  // a damaged row may contain any state
  const isRunning = ({ state }: Asked) => EXPANSION_STATES.includes(state) && !isEnd(state);
  const running = asked.filter(isRunning).map(({ number }) => number);
  if (running.length === 0) return NO_TIME;
  const queue = await QueueTimes.read(sql);
  await queue.place(sql, running);
  return (expansion) => (running.includes(expansion) ? queue.remainingMs(expansion) : null);
}

/** Remaining times based on a queue that was read earlier. */
export function timesOf(queue: QueueTimes): RemainingTime {
  return (expansion) => queue.remainingMs(expansion);
}

/**
 * Estimates for a queue. Write transactions use an estimate that was read before they began, because a transaction that
 * reads the whole queue would conflict with every other.
 */
export class QueueTimes {
  readonly #past: readonly PastWork[];
  readonly #threads: number;
  /** The first jobs: running jobs, then waiting jobs in queue order. */
  readonly #jobs: Job[];
  /** Number of all jobs; infinite if there are too many to count. */
  #total: number;
  /** Number of jobs ahead of each expansion that is not among `#jobs`. */
  readonly #before = new Map<number, number>();
  #ends: ReadonlyMap<number, number> | null = null;

  private constructor(past: readonly PastWork[], threads: number, jobs: Job[], total: number) {
    this.#past = past;
    this.#threads = threads;
    this.#jobs = jobs;
    this.#total = total;
  }

  static async read(sql: Sql): Promise<QueueTimes> {
    const { past, threads } = await readPast(sql);
    const jobs = past.length === 0 ? [] : await readJobs(sql);
    const total = jobs.length < MOST_JOBS ? jobs.length : await countJobs(sql);
    return new QueueTimes(past, threads, jobs, total);
  }

  /** A copy, for a transaction that may be repeated. */
  copy(): QueueTimes {
    return new QueueTimes(this.#past, this.#threads, [...this.#jobs], this.#total);
  }

  /** Finds the places of expansions that are far behind in the queue. */
  async place(sql: Sql, expansions: readonly number[]): Promise<void> {
    if (this.#jobs.length === this.#total) return;
    const missing = expansions.filter((number) => !this.#jobs.some(({ expansion }) => expansion === number));
    for (const [number, before] of await countBefore(sql, missing)) this.#before.set(number, before);
  }

  /** Adds the job of a new expansion. */
  add(expansion: number, turn: number, seeds: number): void {
    this.#ends = null;
    if (this.#jobs.length < this.#total) this.#before.set(expansion, this.#total);
    else {
      const place = this.#jobs.findIndex((job) => job.owner === null && job.turn > turn);
      const job = { expansion, turn, seeds, owner: null, isAdapted: false, progress: 0 };
      this.#jobs.splice(place < 0 ? this.#jobs.length : place, 0, job);
    }
    this.#total += 1;
  }

  remainingMs(expansion: number): number | null {
    if (this.#past.length === 0) return null;
    this.#ends ??= this.#simulate();
    const end = this.#ends.get(expansion);
    if (end !== undefined) return end;
    const before = this.#before.get(expansion);
    if (before === undefined || before === Number.POSITIVE_INFINITY || this.#ends.size === 0) return null;
    return Math.round((Math.max(...this.#ends.values()) * (before + 1)) / this.#ends.size);
  }

  /** Milliseconds until each of the first expansions ends. */
  #simulate(): ReadonlyMap<number, number> {
    // every engine that has a job works with the same number of threads
    const engines = new Set(this.#jobs.flatMap(({ owner }) => owner ?? [])).size;
    const ends = endsOf(
      this.#jobs.map((job) => workLeft(job, this.#past)),
      this.#threads * Math.max(1, engines),
    );
    return new Map(this.#jobs.map(({ expansion }, i) => [expansion, Math.round(ends[i]! * 1000)]));
  }
}

const PAST = {
  seeds: plain<number>('seeds_known + seeds_outside + positives'),
  timings: json<Partial<Timings>>('timings'),
  computedWith: json<Partial<ComputedWith> | null>('computed_with'),
};

async function readPast(sql: Sql): Promise<{ readonly past: readonly PastWork[]; readonly threads: number }> {
  const stored = await sql.all(
    `SELECT ${selectList(PAST)} FROM expansions WHERE state = 'ready' ORDER BY number DESC LIMIT ${RECENT}`,
  );
  const rows = stored.map((row) => readRow(PAST, row));
  const past = rows.flatMap(({ seeds, timings: { adapting, scoring }, computedWith }) => {
    const { threadSeconds, segments = 1 } = computedWith ?? {};
    if (threadSeconds) return [{ seeds, segments, ...threadSeconds }];
    // the expansion was resumed
    if (adapting === undefined || scoring === undefined) return [];
    return [{ seeds, segments, adapting, reporting: scoring, scoring: 0 }];
  });
  return { past, threads: rows[0]?.computedWith?.threads ?? 1 };
}

/** Running and waiting jobs are read with separate indexes, because the queue may be long. */
async function readJobs(sql: Sql): Promise<Job[]> {
  const firstOf = (which: string) =>
    `SELECT * FROM (SELECT j.* FROM jobs j WHERE j.owner ${which} ORDER BY j.turn, j.number LIMIT ${MOST_JOBS}) jobs`;
  const rows = await sql.all(
    `SELECT ${selectList(JOB)} FROM (${firstOf('IS NOT NULL')} UNION ALL ${firstOf('IS NULL')}) j
     JOIN expansions e ON e.number = j.expansion
     ORDER BY j.owner IS NULL, j.turn, j.number LIMIT ${MOST_JOBS}`,
  );
  return rows.map((row) => readRow(JOB, row));
}

async function countJobs(sql: Sql): Promise<number> {
  const { count } = (await sql.get<{ readonly count: number }>(
    `SELECT count(*) AS count FROM (SELECT 1 FROM jobs LIMIT ${MOST_COUNTED + 1}) first`,
  ))!;
  return count > MOST_COUNTED ? Number.POSITIVE_INFINITY : count;
}

/** Number of jobs ahead of each of these expansions. Expansions too far back are omitted. */
async function countBefore(sql: Sql, expansions: readonly number[]): Promise<(readonly [number, number])[]> {
  if (expansions.length === 0) return [];
  const rows = await sql.all<{ readonly expansion: number; readonly before: number }>(
    `SELECT expansion, before FROM (
       SELECT expansion, row_number() OVER (ORDER BY turn, number) - 1 AS before
       FROM (SELECT expansion, turn, number FROM jobs ORDER BY turn, number LIMIT ${MOST_COUNTED}) first) places
     WHERE expansion ${sql.dialect.isAnyOf('expansions', 'bigint')}`,
    { expansions },
  );
  return rows.map(({ expansion, before }) => [expansion, before]);
}
