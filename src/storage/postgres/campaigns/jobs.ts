/**
 * Implements the jobs port with Postgres. Each claim, lease, stage and end is one transaction, which also changes the
 * job's ticket in the queue. Whoever gets the ticket gets the job.
 */
import { isAbsolute, normalize } from 'node:path';
import { decide, type ExpansionCommand } from '../../../domain/expansions.ts';
import type { Jobs } from '../../../domain/ports/jobs.ts';
import type { Timings } from '../../../domain/run-facts.ts';
import type { ExpansionResult, Job, Pins, Reason } from '../../../domain/types.ts';
import { assert } from '../../../lib/errors.ts';
import { readRow, selectList } from '../../rows/columns.ts';
import { jobColumns, type RunningRow } from '../../rows/expansions.ts';
import type { Connection } from '../connection.ts';
import { POSTGRES } from '../database/columns.ts';
import type { Sql, Transaction } from '../database/database.ts';
import type { PostgresAudiences } from './audiences.ts';
import { lockCampaign } from './campaign-rows.ts';
import { applyEffects, type Followers, runningExpansions, setsOf } from './expansion-rows.ts';

/** Its dependencies. */
interface Parts extends Followers {
  readonly audiences: PostgresAudiences;
}

/** How often a claim begins again because another transaction is changing the job that comes first. */
const CLAIM_ATTEMPTS = 3;

const DESCRIPTION = jobColumns(POSTGRES);

const SELECT_JOB = `SELECT ${selectList(DESCRIPTION)}
  FROM jobs j JOIN expansions e ON e.number = j.expansion JOIN campaigns c ON c.number = e.campaign`;

/** The waiting job whose turn comes first, and whether an owner may be dead. A read takes no lock. */
const LOOK = `SELECT
  (SELECT j.id FROM jobs j WHERE j.run_after <= @now AND (j.lease_until IS NULL OR j.lease_until <= @now)
   ORDER BY j.turn, j.number LIMIT 1) AS first,
  EXISTS (SELECT 1 FROM jobs j WHERE j.lease_until <= @now) AS "isLate"`;
const HELD = 'WHERE j.id = @id AND j.owner = @owner AND j.token = @token';
/** The rows are locked, so the decision about them stays right until the commit. */
const LOCKED = 'FOR UPDATE OF j, e';
/** Rows that another transaction has locked are taken, renewed or ended by it. */
const UNLOCKED = `${LOCKED} SKIP LOCKED`;

export class PostgresJobs implements Jobs {
  readonly #connection: Connection;
  readonly #parts: Parts;

  constructor(connection: Connection, parts: Parts) {
    this.#connection = connection;
    this.#parts = parts;
  }

  async claim(owner: string): Promise<Job | null> {
    const { database } = this.#connection;
    const { tickets } = this.#parts;
    // an idle engine polls often
    const look = await database.get<{ readonly first: string | null; readonly isLate: boolean }>(LOOK, {
      now: this.#now(),
    });
    const { first, isLate } = look!;
    if (first === null && !isLate) return null;
    if (isLate) await tickets.supervise();
    const job = await this.#take(owner);
    if (first === null || job?.id === first || !(await tickets.isLost(first))) return job;
    await tickets.mend();
    return job ?? this.#take(owner);
  }

  async isHeld(job: Job): Promise<boolean> {
    return (await findHeld(this.#connection.database, job)) !== undefined;
  }

  renew(job: Job): Promise<boolean> {
    return this.#whileHeld(job, async (t, row, now) => {
      const effects = decide(row, { kind: 'renew' }, this.#connection.options, now);
      await applyEffects(t, this.#parts, row, effects, now);
      assert(effects.job !== 'removed' && effects.job.leaseUntil != null, 'a renewal sets the end of the lease');
      await this.#parts.tickets.keep(t, job.id, effects.job.leaseUntil);
    });
  }

  async pin(job: Job, pins: Pins): Promise<Pins> {
    let before: Pins | null = null;
    await this.#whileHeld(job, async (t, row, now) => {
      before = row.pins;
      await this.#apply(t, row, { kind: 'pin', pins }, now);
    });
    return before ?? pins;
  }

  advance(job: Job, change: { readonly state?: 'adapting' | 'scoring'; readonly progress?: number }): Promise<boolean> {
    return this.#command(job, { ...change, kind: 'advance' });
  }

  async finish(job: Job, result: ExpansionResult): Promise<boolean> {
    assert(
      !isAbsolute(result.folder) && !normalize(result.folder).startsWith('..'),
      `ranking folder ${result.folder} is relative to the storage of blobs`,
    );
    return this.#command(job, { kind: 'finish', result }, (t, row, now) =>
      this.#parts.audiences.publish(t, row.number, result, now),
    );
  }

  end(job: Job, state: 'too_small' | 'failed', reason: Reason, timings?: Timings): Promise<boolean> {
    return this.#command(job, { kind: 'end', state, reason, timings });
  }

  retryLater(job: Job, reason: Reason, delayMs: number): Promise<boolean> {
    return this.#command(job, { kind: 'retry', reason, delayMs });
  }

  releaseOwner(owner: string, how: 'died' | 'stopped' = 'died', working?: ReadonlySet<string>): Promise<number> {
    return this.#connection.database.write(async (t) => {
      const now = this.#now();
      const rows = await runningExpansions(t, `WHERE j.owner = @owner ORDER BY j.number ${LOCKED}`, { owner });
      for (const row of rows)
        await this.#apply(t, row, { kind: 'release', how, wasWorking: working?.has(row.jobId) ?? null }, now);
      return rows.length;
    }, 'readCommitted');
  }

  /**
   * Other services have engines of their own, whose jobs are theirs: a lease ends with its owner, or when it expires.
   */
  async releaseAll(): Promise<number> {
    return 0;
  }

  #now(): number {
    return this.#connection.options.clock.now();
  }

  /** Claims the job of the first free ticket. */
  async #take(owner: string): Promise<Job | null> {
    for (let attempt = 1; attempt <= CLAIM_ATTEMPTS; attempt++) {
      try {
        return await this.#connection.database.write((t) => this.#takeOnce(t, owner), 'readCommitted');
      } catch (error) {
        if (!(error instanceof JobIsLocked)) throw error;
      }
    }
    return null;
  }

  async #takeOnce(t: Transaction, owner: string): Promise<Job | null> {
    const { tickets } = this.#parts;
    const now = this.#now();
    const expired = await runningExpansions(t, `WHERE j.lease_until <= @now ORDER BY j.number ${UNLOCKED}`, { now });
    for (const row of expired) await this.#apply(t, row, { kind: 'expire' }, now);
    for (;;) {
      const id = await tickets.fetch(t);
      if (id === null) return null;
      const [next] = await runningExpansions(t, `WHERE j.id = @id ${UNLOCKED}`, { id });
      if (next === undefined) await this.#removeEnded(t, id);
      // the owner goes on, although it sent no heartbeat for a while, or it knows no tickets: an older release
      else if (next.leaseUntil !== null && next.leaseUntil > now) await tickets.putBack(t, id, next.leaseUntil);
      else {
        await this.#apply(t, next, { kind: 'claim', owner }, now);
        const job = readRow(DESCRIPTION, (await t.get(`${SELECT_JOB} WHERE j.number = @job`, { job: next.job }))!);
        return { ...job, sets: await setsOf(t, next.number), pins: next.pins };
      }
    }
  }

  /**
   * Removes the ticket of a job that was ended by a process without tickets. Other transactions lock a job before its
   * ticket, so waiting here for one that changes the job would be a deadlock.
   * @throws JobIsLocked if the job has not ended
   */
  async #removeEnded(t: Transaction, id: string): Promise<void> {
    if ((await t.get('SELECT 1 FROM jobs WHERE id = @id', { id })) !== undefined) throw new JobIsLocked();
    await this.#parts.tickets.remove(t, [id]);
  }

  /**
   * Runs `work` in a transaction if this claim of the job is still valid. `changesCampaign` says whether `work` changes
   * the campaign, whose row is then locked first, as in every transaction about a campaign.
   */
  #whileHeld(
    job: Job,
    work: (t: Transaction, row: RunningRow, now: number) => Promise<void>,
    changesCampaign = false,
  ): Promise<boolean> {
    return this.#connection.database.write(async (t) => {
      if (changesCampaign) await lockCampaign(t, job.campaignId);
      const row = await findHeld(t, job, LOCKED);
      if (row === undefined) return false;
      await work(t, row, this.#now());
      return true;
    }, 'readCommitted');
  }

  #command(
    job: Job,
    command: ExpansionCommand,
    before?: (t: Transaction, row: RunningRow, now: number) => Promise<void>,
  ): Promise<boolean> {
    const work = (t: Transaction, row: RunningRow, now: number) =>
      this.#apply(t, row, command, now, job.traceparent, before);
    return this.#whileHeld(job, work, command.kind === 'finish');
  }

  /** Ends an expansion. `before` runs first and writes the data that the event reports. */
  async #apply(
    t: Transaction,
    row: RunningRow,
    command: ExpansionCommand,
    now: number,
    trace: string | null = null,
    before?: (t: Transaction, row: RunningRow, now: number) => Promise<void>,
  ): Promise<void> {
    const effects = decide(row, command, this.#connection.options, now);
    await before?.(t, row, now);
    await applyEffects(t, this.#parts, row, effects, now, trace);
  }
}

/** Rolls a claim back. */
class JobIsLocked extends Error {}

/**
 * The row of a job if this claim is still valid, that is, if the claim's token is the latest and its lease was not
 * released.
 */
async function findHeld(sql: Sql, { id, owner, token }: Job, lock = ''): Promise<RunningRow | undefined> {
  return (await runningExpansions(sql, `${HELD} ${lock}`, { id, owner, token }))[0];
}
