/** The port of jobs on SQLite: claims, leases, stages and ends, each one transaction. */
import { isAbsolute, normalize } from 'node:path';
import type { Jobs } from '../../domain/ports/jobs.ts';
import type { Timings } from '../../domain/run-facts.ts';
import type { ExpansionResult, Job, Pins, Reason } from '../../domain/types.ts';
import { AppError, assert } from '../../lib/errors.ts';
import type { AudienceRows } from './audience-rows.ts';
import type { Connection } from './connection.ts';
import { write } from './database.ts';
import type { EventLog } from './event-log.ts';
import type { ExpansionRows } from './expansion-rows.ts';
import type { JobRow, JobRows } from './job-rows.ts';
import { areWhole, refuseDamaged } from './row-check.ts';

/** What it is made of. */
interface Parts {
  readonly expansions: ExpansionRows;
  readonly audiences: AudienceRows;
  readonly jobs: JobRows;
  readonly events: EventLog;
}

export class SqliteJobs implements Jobs {
  readonly #connection: Connection;
  readonly #parts: Parts;

  constructor(connection: Connection, parts: Parts) {
    this.#connection = connection;
    this.#parts = parts;
  }

  claim(owner: string): Job | null {
    const now = this.#now();
    // An idle engine asks often, and a read takes no lock.
    if (!this.#parts.jobs.anyClaimable(now)) return null;
    let expansion: number | null = null;
    try {
      return this.#claim(owner, now, (at) => {
        expansion = at;
      });
    } catch (error) {
      if (expansion === null || !(error instanceof AppError) || error.code !== 'database_damaged') throw error;
      // one damaged row does not hold up the queue
      this.#parts.jobs.passOver(expansion);
      return this.claim(owner);
    }
  }

  /** Tells of each expansion before it touches its row. */
  #claim(owner: string, now: number, touches: (expansion: number) => void): Job | null {
    const { database, options } = this.#connection;
    return write(database, () => {
      for (const row of this.#parts.jobs.exhausted(now, options.maximumAttempts)) {
        touches(row.expansion);
        this.#giveUp(row, now);
      }
      const row = this.#parts.jobs.lease(owner, now, options.leaseMs);
      if (row === undefined) return null;
      touches(row.expansion);
      refuseDamaged(database, [['expansions', { number: row.expansion }]]);
      this.#parts.expansions.step(row.expansion, 'queued', now, { reason: null });
      const { expansions } = this.#parts;
      return {
        ...this.#parts.jobs.describe(row),
        sets: expansions.setsOf(row.expansion),
        pins: expansions.pinsOf(row.expansion),
      };
    });
  }

  isHeld(job: Job): boolean {
    return this.#parts.jobs.held(job) !== undefined;
  }

  renew(job: Job): boolean {
    return this.#whileHeld(job, (row) =>
      this.#parts.jobs.extend(row.id, this.#now() + this.#connection.options.leaseMs),
    );
  }

  pin(job: Job, pins: Pins): Pins {
    let held = pins;
    this.#whileHeld(job, (row) => {
      this.#parts.expansions.pin(row.expansion, pins, this.#now());
      held = this.#parts.expansions.pinsOf(row.expansion) ?? pins;
    });
    return held;
  }

  advance(job: Job, change: { readonly state?: 'adapting' | 'scoring'; readonly progress?: number }): boolean {
    return this.#whileHeld(job, (row) => {
      const state = change.state ?? this.#parts.expansions.stateOf(row.expansion);
      this.#parts.expansions.step(row.expansion, state, this.#now(), { reason: null, progress: change.progress ?? 0 });
    });
  }

  finish(job: Job, result: ExpansionResult): boolean {
    assert(result.candidates >= 1, 'a ranking without candidates is not an audience');
    assert(
      !isAbsolute(result.folder) && !normalize(result.folder).startsWith('..'),
      `ranking folder ${result.folder} is relative to the data folder`,
    );
    return this.#whileHeld(job, (row) => {
      const { timings, computedWith, quality, excluded } = result;
      const facts = { reason: null, progress: 1, excluded, timings, computedWith, quality };
      this.#parts.expansions.step(row.expansion, 'ready', this.#now(), facts);
      this.#parts.audiences.publish(row.expansion, result, this.#now());
      this.#parts.events.expansionEnded(row.expansion, this.#now(), job.traceparent);
      this.#parts.jobs.remove(row.id);
    });
  }

  end(job: Job, state: 'too_small' | 'failed', reason: Reason, timings?: Timings): boolean {
    return this.#whileHeld(job, (row) =>
      this.#endWith({ ...row, ...traceOf(job) }, state, this.#now(), reason, timings),
    );
  }

  retryLater(job: Job, reason: Reason, delayMs: number): boolean {
    return this.#whileHeld(job, (row) => {
      const now = this.#now();
      if (row.attempt >= this.#connection.options.maximumAttempts)
        this.#endWith({ ...row, ...traceOf(job) }, 'failed', now, reason);
      else this.#requeue(row, now, now + delayMs, reason);
    });
  }

  releaseOwner(owner: string, how: 'died' | 'stopped' = 'died'): number {
    const now = this.#now();
    return write(this.#connection.database, () => {
      const rows = this.#parts.jobs.ownedBy(owner);
      for (const row of rows) {
        if (!areWhole(this.#connection.database, [['expansions', { number: row.expansion }]]))
          this.#parts.jobs.requeue(row.id, now);
        else if (how === 'stopped') {
          this.#requeue(row, now, now, null);
          this.#parts.jobs.forgetAttempt(row.id);
        } else if (row.attempt >= this.#connection.options.maximumAttempts) this.#giveUp(row, now);
        else this.#requeue(row, now, now, null);
      }
      return rows.length;
    });
  }

  releaseAll(): number {
    return this.#parts.jobs.owners().reduce((released, owner) => released + this.releaseOwner(owner), 0);
  }

  #now(): number {
    return this.#connection.options.clock.now();
  }

  /** Runs `work` in a transaction if this claim of the job still holds. */
  #whileHeld(job: Job, work: (row: JobRow) => void): boolean {
    return write(this.#connection.database, () => {
      const row = this.#parts.jobs.held(job);
      if (row === undefined) return false;
      work(row);
      return true;
    });
  }

  #requeue(row: JobRow, now: number, runAfter: number, reason: Reason | null): void {
    this.#parts.expansions.step(row.expansion, 'queued', now, { reason });
    this.#parts.jobs.requeue(row.id, runAfter);
  }

  #giveUp(row: JobRow, now: number): void {
    const message = `the engine died in each of ${row.attempt} attempts`;
    this.#endWith(row, 'failed', now, { code: 'crashed', message, attempts: row.attempt });
  }

  #endWith(row: EndingRow, state: 'too_small' | 'failed', now: number, reason: Reason, timings?: Timings): void {
    this.#parts.expansions.step(row.expansion, state, now, { reason, timings });
    this.#parts.events.expansionEnded(row.expansion, now, row.traceparent);
    this.#parts.jobs.remove(row.id);
  }
}

/** A row with the trace of whoever ends it, if that is not the job's. */
type EndingRow = JobRow & Partial<Pick<Job, 'traceparent'>>;

function traceOf({ traceparent }: Job): Pick<Job, 'traceparent'> {
  return { traceparent };
}
