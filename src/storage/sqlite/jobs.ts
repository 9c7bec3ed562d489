/** Implements the jobs port with SQLite. Each claim, lease, stage and end is one transaction. */
import { isAbsolute, normalize } from 'node:path';
import { decide, type ExpansionCommand } from '../../domain/expansions.ts';
import type { Jobs } from '../../domain/ports/jobs.ts';
import type { Timings } from '../../domain/run-facts.ts';
import type { ExpansionResult, Job, Pins, Reason } from '../../domain/types.ts';
import { AppError, assert } from '../../lib/errors.ts';
import { readRow, selectList } from '../rows/columns.ts';
import { jobColumns, type RunningRow } from '../rows/expansions.ts';
import type { SqliteAudiences } from './audiences.ts';
import { timeOf } from './clock.ts';
import type { Connection } from './connection.ts';
import { SQLITE } from './database/columns.ts';
import { areWhole, refuseDamaged } from './database/damaged-rows.ts';
import { write } from './database/database.ts';
import type { ExpansionRows } from './expansion-rows.ts';
import type { Synchronous } from './promised.ts';

/** Its dependencies. */
interface Parts {
  readonly expansions: ExpansionRows;
  readonly audiences: SqliteAudiences;
}

const DESCRIPTION = jobColumns(SQLITE);

const SELECT_JOB = `SELECT ${selectList(DESCRIPTION)}
  FROM jobs j JOIN expansions e ON e.number = j.expansion JOIN campaigns c ON c.number = e.campaign`;

const NOT_PASSED_OVER = 'j.expansion NOT IN (SELECT value FROM json_each(@passedOver))';
/** Condition for jobs that can be claimed: they are due, have no valid lease, and are not skipped. */
const FREE = `j.run_after <= @now AND (j.lease_until IS NULL OR j.lease_until <= @now) AND ${NOT_PASSED_OVER}`;
const HELD = 'WHERE j.id = @id AND j.owner = @owner AND j.token = @token';

export class SqliteJobs implements Synchronous<Jobs> {
  readonly #connection: Connection;
  readonly #parts: Parts;
  /** Expansions with damaged rows, whose jobs are skipped until the next start. */
  readonly #passedOver: number[] = [];

  constructor(connection: Connection, parts: Parts) {
    this.#connection = connection;
    this.#parts = parts;
  }

  claim(owner: string): Job | null {
    // an idle engine polls often, and a read takes no lock
    const any = this.#connection.database.prepare(`SELECT 1 FROM jobs j WHERE ${FREE} LIMIT 1`);
    if (any.get(this.#at(this.#now())) === undefined) return null;
    let touched: RunningRow | null = null;
    try {
      return this.#claim(owner, (row) => {
        touched = row;
        refuseDamaged(this.#connection.database, [['expansions', { number: row.number }]]);
      });
    } catch (error) {
      const damaged = touched as RunningRow | null;
      if (damaged === null || !(error instanceof AppError) || error.code !== 'database_damaged') throw error;
      // a damaged row does not block the queue
      this.#passedOver.push(damaged.number);
      return this.claim(owner);
    }
  }

  /** Calls `check` with each expansion before changing its row. */
  #claim(owner: string, check: (row: RunningRow) => void): Job | null {
    const { database } = this.#connection;
    const { expansions } = this.#parts;
    return write(database, () => {
      const now = this.#now();
      for (const row of expansions.running(`WHERE j.lease_until <= @now AND ${NOT_PASSED_OVER}`, this.#at(now))) {
        check(row);
        this.#apply(row, { kind: 'expire' }, now);
      }
      const [next] = expansions.running(`WHERE ${FREE} ORDER BY j.turn, j.number LIMIT 1`, this.#at(now));
      if (next === undefined) return null;
      check(next);
      this.#apply(next, { kind: 'claim', owner }, now);
      const job = readRow(DESCRIPTION, database.prepare(`${SELECT_JOB} WHERE j.number = @job`).get({ job: next.job }));
      return { ...job, sets: expansions.setsOf(next.number), pins: next.pins };
    });
  }

  isHeld(job: Job): boolean {
    return this.#held(job) !== undefined;
  }

  renew(job: Job): boolean {
    return this.#command(job, { kind: 'renew' });
  }

  pin(job: Job, pins: Pins): Pins {
    let before: Pins | null = null;
    this.#whileHeld(job, (row, now) => {
      before = row.pins;
      this.#apply(row, { kind: 'pin', pins }, now);
    });
    return before ?? pins;
  }

  advance(job: Job, change: { readonly state?: 'adapting' | 'scoring'; readonly progress?: number }): boolean {
    return this.#command(job, { ...change, kind: 'advance' });
  }

  finish(job: Job, result: ExpansionResult): boolean {
    assert(
      !isAbsolute(result.folder) && !normalize(result.folder).startsWith('..'),
      `ranking folder ${result.folder} is relative to the data folder`,
    );
    return this.#command(job, { kind: 'finish', result }, (row, now) =>
      this.#parts.audiences.publish(row.number, result, now),
    );
  }

  end(job: Job, state: 'too_small' | 'failed', reason: Reason, timings?: Timings): boolean {
    return this.#command(job, { kind: 'end', state, reason, timings });
  }

  retryLater(job: Job, reason: Reason, delayMs: number): boolean {
    return this.#command(job, { kind: 'retry', reason, delayMs });
  }

  releaseOwner(owner: string, how: 'died' | 'stopped' = 'died', working?: ReadonlySet<string>): number {
    const { expansions } = this.#parts;
    return write(this.#connection.database, () => {
      const now = this.#now();
      const rows = expansions.running('WHERE j.owner = @owner', { owner });
      for (const row of rows) {
        if (areWhole(this.#connection.database, [['expansions', { number: row.number }]]))
          this.#apply(row, { kind: 'release', how, wasWorking: working?.has(row.jobId) ?? null }, now);
        // the row of a damaged expansion cannot be used for a decision, so only the job is released
        else expansions.writeJob(row.job, { owner: null, leaseUntil: null, runAfter: now });
      }
      return rows.length;
    });
  }

  releaseAll(): number {
    const owners = this.#connection.database
      .prepare('SELECT DISTINCT owner FROM jobs WHERE owner IS NOT NULL')
      .pluck()
      .all() as string[];
    return owners.reduce((released, owner) => released + this.releaseOwner(owner), 0);
  }

  #now(): number {
    return timeOf(this.#connection);
  }

  #at(now: number) {
    return { now, passedOver: JSON.stringify(this.#passedOver) };
  }

  /**
   * The row of a job if this claim is still valid, that is, if the claim's token is the latest and its lease was not
   * released.
   */
  #held({ id, owner, token }: Job): RunningRow | undefined {
    return this.#parts.expansions.running(HELD, { id, owner, token })[0];
  }

  /** Runs `work` in a transaction if this claim of the job is still valid. */
  #whileHeld(job: Job, work: (row: RunningRow, now: number) => void): boolean {
    return write(this.#connection.database, () => {
      const row = this.#held(job);
      if (row === undefined) return false;
      work(row, this.#now());
      return true;
    });
  }

  #command(job: Job, command: ExpansionCommand, before?: (row: RunningRow, now: number) => void): boolean {
    return this.#whileHeld(job, (row, now) => this.#apply(row, command, now, job.traceparent, before));
  }

  /** Ends an expansion. `before` runs first and writes the data that the event reports. */
  #apply(
    row: RunningRow,
    command: ExpansionCommand,
    now: number,
    trace: string | null = null,
    before?: (row: RunningRow, now: number) => void,
  ): void {
    const effects = decide(row, command, this.#connection.options, now);
    before?.(row, now);
    this.#parts.expansions.apply(row, effects, now, trace);
  }
}
