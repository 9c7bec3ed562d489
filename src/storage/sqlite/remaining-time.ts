/** Reads the data for estimates of remaining time: recent expansions, and the queue. */
import { endsOf, type PastWork, type QueuedWork, workLeft } from '../../domain/queue-time.ts';
import type { ComputedWith, Timings } from '../../domain/run-facts.ts';
import { type ExpansionState, isEnd } from '../../domain/states.ts';
import { type Column, plain, type RowOf, readRow, selectList } from '../rows/columns.ts';
import { flag } from './database/columns.ts';
import type { Database } from './database/database.ts';

/** Number of recent expansions on which estimates are based. */
const RECENT = 40;
/** Number of jobs that are simulated one by one. Each later job is assumed to add the mean time per simulated job. */
const MOST_JOBS = 200;

const JOB = {
  expansion: plain<number>('e.number'),
  isAdapted: flag("e.state = 'scoring'"),
  seeds: plain<number>('e.seeds_known + e.positives'),
  progress: plain<number>('CASE WHEN j.owner IS NULL THEN 0 ELSE e.progress END'),
} satisfies Record<keyof QueuedWork | 'expansion', Column<unknown>>;

type Job = RowOf<typeof JOB>;

interface Asked {
  readonly number: number;
  readonly state: ExpansionState;
}

/**
 * Returns a function that estimates the milliseconds until an expansion ends; null if the expansion has ended, or if
 * there are no recent expansions. The function reads the queue only at its first call, so use it within one call of the
 * store.
 */
export function remainingTimes(database: Database): (asked: Asked) => number | null {
  let queue: Queue | null = null;
  return ({ number, state }) => {
    if (isEnd(state)) return null;
    queue ??= new Queue(database);
    return queue.remainingMs(number);
  };
}

class Queue {
  readonly #database: Database;
  /** Milliseconds until each expansion ends, in the order in which the expansions start. */
  readonly #ends: ReadonlyMap<number, number>;

  constructor(database: Database) {
    this.#database = database;
    const { past, threads } = readPast(database);
    // running jobs first, then waiting jobs in queue order
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

  /** Estimates the time of an expansion that is queued behind the simulated jobs, at the mean time per job. */
  #beyond(expansion: number): number | null {
    const before = countBefore(this.#database, expansion);
    if (before === null) return null;
    return Math.round((Math.max(...this.#ends.values()) * (before + 1)) / this.#ends.size);
  }
}

function readPast(database: Database): { readonly past: readonly PastWork[]; readonly threads: number } {
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
    // the expansion is from an earlier version, or was resumed
    if (adapting === undefined || scoring === undefined) return [];
    return [{ seeds, segments, adapting, reporting: scoring, scoring: 0 }];
  });
  const { threads = 1 } = JSON.parse(rows[0]?.computedWith ?? '{}') as Partial<ComputedWith>;
  return { past, threads };
}

function readJobs(database: Database): readonly Job[] {
  const sql = `SELECT ${selectList(JOB)} FROM jobs j JOIN expansions e ON e.number = j.expansion
    ORDER BY j.owner IS NULL, j.turn, j.number LIMIT ${MOST_JOBS}`;
  return database
    .prepare(sql)
    .all()
    .map((row) => readRow(JOB, row));
}

/** Number of jobs before an expansion in the queue; null if the expansion has no job. */
function countBefore(database: Database, expansion: number): number | null {
  const before = database
    .prepare(
      `SELECT (SELECT count(*) FROM jobs b WHERE (b.turn, b.number) < (j.turn, j.number))
       FROM jobs j WHERE j.expansion = @expansion`,
    )
    .pluck()
    .get({ expansion }) as number | undefined;
  return before ?? null;
}
