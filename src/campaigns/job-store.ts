/** What engines and their parents do: claim jobs, work at them under a lease, and end them. */
import { isAbsolute, normalize } from 'node:path';
import type { Clock } from '../lib/clock.ts';
import { assert } from '../lib/errors.ts';
import type { Audiences } from './audiences.ts';
import { type Database, write } from './database.ts';
import type { Expansions } from './expansions.ts';
import { type JobRow, Jobs } from './jobs.ts';
import { Outbox } from './outbox.ts';
import type { ExpansionResult, Job, Pins, Reason } from './types.ts';

export interface StoreOptions {
  readonly clock: Clock;
  /** Fewer known seeds than this make an expansion too_small. */
  readonly minimumSeeds: number;
  /** How long a claim or a renewal keeps others away. */
  readonly leaseMs: number;
  /** Claims of a job before it is given up. */
  readonly maximumAttempts: number;
}

/** The queue's half of the store. A method that takes a `Job` says false where that claim no longer holds: the work is then to be dropped. */
export class JobStore {
  protected readonly options: StoreOptions;
  protected readonly database: Database;
  protected readonly expansions: Expansions;
  protected readonly audiences: Audiences;
  protected readonly jobs: Jobs;
  /** What webhooks are told, and how that went. */
  readonly outbox: Outbox;

  protected constructor(database: Database, expansions: Expansions, audiences: Audiences, options: StoreOptions) {
    this.options = options;
    this.database = database;
    this.expansions = expansions;
    this.audiences = audiences;
    this.jobs = new Jobs(database);
    this.outbox = new Outbox(database);
  }

  /** How long the first of the jobs that nobody works at has waited; 0 where there is none. */
  oldestQueuedSeconds(): number {
    const now = this.now();
    return Math.max(0, now - (this.jobs.oldestQueuedAt(now) ?? now)) / 1000;
  }

  /**
   * Leases the first claimable job of the queue to `owner` (`<pid>:<uuid>`); null where there is none. The expansion is queued
   * again until the owner advances it. Jobs whose last attempt died with its lease end as failed, reason crashed.
   */
  claim(owner: string): Job | null {
    const now = this.now();
    // An idle engine asks often, and a read takes no lock.
    if (!this.jobs.anyClaimable(now)) return null;
    return write(this.database, () => {
      for (const row of this.jobs.exhausted(now, this.options.maximumAttempts)) this.#giveUp(row, now);
      const row = this.jobs.lease(owner, now, this.options.leaseMs);
      if (row === undefined) return null;
      this.expansions.step(row.expansion, 'queued', now, { reason: null });
      const { expansions } = this;
      return {
        ...this.jobs.describe(row),
        sets: expansions.setsOf(row.expansion),
        pins: expansions.pinsOf(row.expansion),
      };
    });
  }

  /** Whether this claim still holds: a cancelled, superseded or deleted expansion has no job. */
  isHeld(job: Job): boolean {
    return this.jobs.held(job) !== undefined;
  }

  /** Starts the lease anew. */
  renew(job: Job): boolean {
    return this.#whileHeld(job, (row) => this.jobs.extend(row.id, this.now() + this.options.leaseMs));
  }

  /** Fixes the versions that the expansion works with, and gives those that hold: the first attempt's. */
  pin(job: Job, pins: Pins): Pins {
    let held = pins;
    this.#whileHeld(job, (row) => {
      this.expansions.pin(row.expansion, pins, this.now());
      held = this.expansions.pinsOf(row.expansion) ?? pins;
    });
    return held;
  }

  /** Writes the stage and the progress reached; progress (0..1) never falls. */
  advance(job: Job, change: { readonly state?: 'adapting' | 'scoring'; readonly progress?: number }): boolean {
    return this.#whileHeld(job, (row) => {
      const state = change.state ?? this.expansions.stateOf(row.expansion);
      this.expansions.step(row.expansion, state, this.now(), { reason: null, progress: change.progress ?? 0 });
    });
  }

  /** Publishes the ranking as the campaign's active audience and ends the job. The expansion must be scoring, and pinned. */
  finish(job: Job, result: ExpansionResult): boolean {
    assert(result.candidates >= 1, 'a ranking without candidates is not an audience');
    assert(
      !isAbsolute(result.folder) && !normalize(result.folder).startsWith('..'),
      `ranking folder ${result.folder} is relative to the data folder`,
    );
    return this.#whileHeld(job, (row) => {
      const { timings, quality, excluded } = result;
      const facts = { reason: null, progress: 1, excluded, timings, quality };
      this.expansions.step(row.expansion, 'ready', this.now(), facts);
      this.audiences.publish(row.expansion, result, this.now());
      this.outbox.expansionEnded(row.expansion, this.now());
      this.jobs.remove(row.id);
    });
  }

  /** Ends the expansion without an audience. */
  end(job: Job, state: 'too_small' | 'failed', reason: Reason, timings?: Readonly<Record<string, number>>): boolean {
    return this.#whileHeld(job, (row) => this.#endWith(row, state, this.now(), reason, timings));
  }

  /** Back to the queue, not before `delayMs` have passed, `reason` shown meanwhile; failed with it where the attempts are used up. */
  retryLater(job: Job, reason: Reason, delayMs: number): boolean {
    return this.#whileHeld(job, (row) => {
      const now = this.now();
      if (row.attempt >= this.options.maximumAttempts) this.#endWith(row, 'failed', now, reason);
      else this.#requeue(row, now, now + delayMs, reason);
    });
  }

  /**
   * Gives back what an ended engine held, without waiting for its leases; gives the number of jobs. The attempts of one that died stay
   * counted; one that was stopped on purpose is not to blame.
   */
  releaseOwner(owner: string, how: 'died' | 'stopped' = 'died'): number {
    const now = this.now();
    return write(this.database, () => {
      const rows = this.jobs.ownedBy(owner);
      for (const row of rows) {
        if (how === 'stopped') {
          this.#requeue(row, now, now, null);
          this.jobs.forgetAttempt(row.id);
        } else if (row.attempt >= this.options.maximumAttempts) this.#giveUp(row, now);
        else this.#requeue(row, now, now, null);
      }
      return rows.length;
    });
  }

  /** `releaseOwner` for every owner: what the start of a service does first. Whoever holds a job then is of a service that ended. */
  releaseAll(): number {
    return this.jobs.owners().reduce((released, owner) => released + this.releaseOwner(owner), 0);
  }

  protected now(): number {
    return this.options.clock.now();
  }

  /** Runs `work` in a transaction if this claim of the job still holds. */
  #whileHeld(job: Job, work: (row: JobRow) => void): boolean {
    return write(this.database, () => {
      const row = this.jobs.held(job);
      if (row === undefined) return false;
      work(row);
      return true;
    });
  }

  #requeue(row: JobRow, now: number, runAfter: number, reason: Reason | null): void {
    this.expansions.step(row.expansion, 'queued', now, { reason });
    this.jobs.requeue(row.id, runAfter);
  }

  #giveUp(row: JobRow, now: number): void {
    const message = `the engine died in each of ${row.attempt} attempts`;
    this.#endWith(row, 'failed', now, { code: 'crashed', message, attempts: row.attempt });
  }

  #endWith(
    row: JobRow,
    state: 'too_small' | 'failed',
    now: number,
    reason: Reason,
    timings?: Readonly<Record<string, number>>,
  ): void {
    this.expansions.step(row.expansion, state, now, { reason, timings });
    this.outbox.expansionEnded(row.expansion, now);
    this.jobs.remove(row.id);
  }
}
