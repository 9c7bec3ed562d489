/**
 * The queue: claims, leases, stages and ends of jobs, each in one transaction. A job's row says who holds it. A claim
 * takes the first free row that no other transaction has locked, so no two engines get the same job.
 */
import { isAbsolute, normalize } from 'node:path';
import { decide, type ExpansionCommand } from '../../domain/expansions.ts';
import type { Jobs } from '../../domain/ports/jobs.ts';
import type { Timings } from '../../domain/run-facts.ts';
import type { ExpansionResult, Job, Pins, Reason } from '../../domain/types.ts';
import { AppError, assert } from '../../lib/errors.ts';
import type { AudienceRepository } from './audiences.ts';
import { lockCampaign } from './campaign-rows.ts';
import { timeOf } from './clock.ts';
import { readRow, refuseDamaged, selectList } from './columns.ts';
import type { StoreDependencies } from './dependencies.ts';
import type { EventLog } from './events.ts';
import { applyEffects, JOB_COLUMNS, type RunningRow, runningExpansions, setsOf, writeJob } from './expansion-rows.ts';
import type { Sql, Transaction } from './sql.ts';

interface JobRepositoryDependencies extends StoreDependencies {
  readonly events: EventLog;
  readonly audiences: AudienceRepository;
}

const SELECT_JOB = `SELECT ${selectList(JOB_COLUMNS)}
  FROM jobs j JOIN expansions e ON e.number = j.expansion JOIN campaigns c ON c.number = e.campaign`;
const HELD = 'WHERE j.id = @id AND j.owner = @owner AND j.token = @token';
/** The tables whose rows are locked, so that a decision about them stays valid until the commit. */
const LOCKED = 'j, e';

/** Runs before the effects of a decision, and writes the data that the event of the decision reports. */
type Before = (t: Transaction, row: RunningRow, now: number) => Promise<void>;

export class JobRepository implements Jobs {
  readonly #dependencies: JobRepositoryDependencies;
  /** Expansions with damaged rows. Their jobs are skipped until the next start. */
  readonly #passedOver: number[] = [];

  constructor(dependencies: JobRepositoryDependencies) {
    this.#dependencies = dependencies;
  }

  async claim(owner: string): Promise<Job | null> {
    const { database } = this.#dependencies;
    // an idle engine polls often, and a read takes no lock
    const bound = { now: await this.#now(database), passedOver: this.#passedOver };
    if ((await database.get(`SELECT 1 FROM jobs j WHERE ${isFree(database)} LIMIT 1`, bound)) === undefined)
      return null;
    let touched: RunningRow | null = null;
    const check = async (t: Transaction, row: RunningRow) => {
      touched = row;
      await refuseDamaged(t, [['expansions', { number: row.number }]]);
    };
    try {
      return await database.write((t) => this.#take(t, owner, check), 'readCommitted');
    } catch (error) {
      const damaged = touched as RunningRow | null;
      if (damaged === null || !(error instanceof AppError) || error.code !== 'database_damaged') throw error;
      // a damaged row must not block the queue
      this.#passedOver.push(damaged.number);
      return this.claim(owner);
    }
  }

  async isHeld(job: Job): Promise<boolean> {
    return (await findHeld(this.#dependencies.database, job)) !== undefined;
  }

  renew(job: Job): Promise<boolean> {
    return this.#command(job, { kind: 'renew' });
  }

  async pin(job: Job, pins: Pins): Promise<Pins> {
    let before: Pins | null = null;
    await this.#command(job, { kind: 'pin', pins }, async (_, row) => {
      before = row.pins;
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
      this.#dependencies.audiences.publish(t, row.number, result, now),
    );
  }

  end(job: Job, state: 'too_small' | 'failed', reason: Reason, timings?: Timings): Promise<boolean> {
    return this.#command(job, { kind: 'end', state, reason, timings });
  }

  retryLater(job: Job, reason: Reason, delayMs: number): Promise<boolean> {
    return this.#command(job, { kind: 'retry', reason, delayMs });
  }

  releaseOwner(owner: string, how: 'died' | 'stopped' = 'died', working?: ReadonlySet<string>): Promise<number> {
    return this.#dependencies.database.write(async (t) => {
      const now = await this.#now(t);
      const which = `WHERE j.owner = @owner ORDER BY j.number ${t.dialect.lock(LOCKED)}`;
      const rows = await runningExpansions(t, which, { owner });
      for (const row of rows) {
        if ((await t.findDamaged([['expansions', { number: row.number }]])) === null)
          await this.#apply(t, row, { kind: 'release', how, wasWorking: working?.has(row.jobId) ?? null }, now);
        // no decision is possible with the row of a damaged expansion, so only the job is released
        else await writeJob(t, row.job, { owner: null, leaseUntil: null, runAfter: now });
      }
      return rows.length;
    }, 'readCommitted');
  }

  async releaseAll(): Promise<number> {
    const owners = await this.#dependencies.database.all<{ readonly owner: string }>(
      'SELECT DISTINCT owner FROM jobs WHERE owner IS NOT NULL',
    );
    let released = 0;
    for (const { owner } of owners) released += await this.releaseOwner(owner);
    return released;
  }

  #now(sql: Sql): Promise<number> {
    return timeOf(sql, this.#dependencies.options);
  }

  /** Claims the free job whose turn comes first. Calls `check` with each expansion before changing its row. */
  async #take(
    t: Transaction,
    owner: string,
    check: (t: Transaction, row: RunningRow) => Promise<void>,
  ): Promise<Job | null> {
    const now = await this.#now(t);
    const bound = { now, passedOver: this.#passedOver };
    const late = `WHERE j.lease_until <= @now AND NOT j.expansion ${t.dialect.isAnyOf('passedOver', 'bigint')}`;
    for (const row of await runningExpansions(t, `${late} ORDER BY j.number ${t.dialect.lockFree(LOCKED)}`, bound)) {
      await check(t, row);
      await this.#apply(t, row, { kind: 'expire' }, now);
    }
    const first = `WHERE ${isFree(t)} ORDER BY j.turn, j.number LIMIT 1 ${t.dialect.lockFree(LOCKED)}`;
    const [next] = await runningExpansions(t, first, bound);
    if (next === undefined) return null;
    await check(t, next);
    await this.#apply(t, next, { kind: 'claim', owner }, now);
    const job = readRow(JOB_COLUMNS, (await t.get(`${SELECT_JOB} WHERE j.number = @job`, { job: next.job }))!);
    return { ...job, sets: await setsOf(t, next.number), pins: next.pins };
  }

  /** Applies a command in a transaction if this claim of the job is still valid. */
  #command(job: Job, command: ExpansionCommand, before?: Before): Promise<boolean> {
    return this.#dependencies.database.write(async (t) => {
      // finishing changes the campaign, and every transaction that changes a campaign locks its row first
      if (command.kind === 'finish') await lockCampaign(t, job.campaignId);
      const row = await findHeld(t, job, t.dialect.lock(LOCKED));
      if (row === undefined) return false;
      await this.#apply(t, row, command, await this.#now(t), job.traceparent, before);
      return true;
    }, 'readCommitted');
  }

  async #apply(
    t: Transaction,
    row: RunningRow,
    command: ExpansionCommand,
    now: number,
    trace: string | null = null,
    before?: Before,
  ): Promise<void> {
    const { events, options } = this.#dependencies;
    const effects = decide(row, command, options, now);
    await before?.(t, row, now);
    await applyEffects(t, events, row, effects, now, trace);
  }
}

/** Condition for claimable jobs: due, without a valid lease, and not skipped. */
function isFree({ dialect }: Sql): string {
  return `j.run_after <= @now AND (j.lease_until IS NULL OR j.lease_until <= @now)
    AND NOT j.expansion ${dialect.isAnyOf('passedOver', 'bigint')}`;
}

/** The row of a job if this claim is still valid: its token is the latest and its lease was not released. */
async function findHeld(sql: Sql, { id, owner, token }: Job, lock = ''): Promise<RunningRow | undefined> {
  return (await runningExpansions(sql, `${HELD} ${lock}`, { id, owner, token }))[0];
}
