/** Rows of jobs: the queue, its leases, and what is claimed next. Every method runs inside the caller's transaction. */

import type { CampaignFeatures, Filters } from '../../domain/features.ts';
import type { Job } from '../../domain/types.ts';
import { insertRow, json, plain, readRow, selectList } from './columns.ts';
import type { Database } from './database.ts';

/** A job's row, as far as its owner goes. */
export interface JobRow {
  readonly id: string;
  readonly expansion: number;
  readonly attempt: number;
}

/** One that was just leased. */
interface LeasedRow extends JobRow {
  readonly token: number;
}

/** What a job's row and those it refers to tell its owner. */
const DESCRIPTION = {
  expansionId: plain<string>('e.id'),
  campaignId: plain<string>('c.id'),
  owner: plain<string>('j.owner'),
  externalId: plain<string | null>('c.external_id'),
  features: json<CampaignFeatures>('e.features'),
  filters: json<Filters>('e.filters'),
  queuedAt: plain<number>('j.queued_at'),
  traceparent: plain<string | null>('j.traceparent'),
};

const CLAIMABLE = `run_after <= @now AND (lease_until IS NULL OR lease_until <= @now)
  AND expansion NOT IN (SELECT value FROM json_each(@passedOver))`;

export class JobRows {
  readonly #database: Database;

  /** Expansions that cannot be claimed, as their rows are damaged: JSON. */
  #passedOver = '[]';

  constructor(database: Database) {
    this.#database = database;
  }

  insert(id: string, expansion: number, now: number, turn: number, traceparent: string | null): void {
    insertRow(this.#database, 'jobs', { id, expansion, queued_at: now, run_after: now, turn, traceparent });
  }

  anyClaimable(now: number): boolean {
    return (
      this.#database
        .prepare(`SELECT EXISTS (SELECT 1 FROM jobs WHERE ${CLAIMABLE})`)
        .pluck()
        .get({ now, passedOver: this.#passedOver }) === 1
    );
  }

  /**
   * Leases the job that nobody holds and whose turn comes first; its attempt is counted here, so a crash cannot forget
   * it, and the token goes up.
   */
  lease(owner: string, now: number, leaseMs: number): LeasedRow | undefined {
    return this.#database
      .prepare(
        `UPDATE jobs SET owner = @owner, lease_until = @until, attempt = attempt + 1, token = token + 1
         WHERE number = (SELECT number FROM jobs WHERE ${CLAIMABLE} ORDER BY turn, number LIMIT 1)
         RETURNING id, expansion, attempt, token`,
      )
      .get({ owner, now, until: now + leaseMs, passedOver: this.#passedOver }) as LeasedRow | undefined;
  }

  /** Until the next start nobody claims the job of this expansion here. */
  passOver(expansion: number): void {
    this.#passedOver = JSON.stringify([...(JSON.parse(this.#passedOver) as number[]), expansion]);
  }

  /** The job as its owner sees it, without what its expansion's row tells. */
  describe({ id, attempt, token }: LeasedRow): Omit<Job, 'pins' | 'sets'> {
    const found = this.#database
      .prepare(
        `SELECT ${selectList(DESCRIPTION)}
         FROM jobs j JOIN expansions e ON e.number = j.expansion JOIN campaigns c ON c.number = e.campaign
         WHERE j.id = @id`,
      )
      .get({ id });
    return { id, attempt, token, ...readRow(DESCRIPTION, found) };
  }

  /**
   * The row of a job that this claim still holds: its token is the last one, and its lease was not given back. A lease
   * that ran out holds until another claim.
   */
  held({ id, owner, token }: Job): JobRow | undefined {
    return this.#database
      .prepare('SELECT id, expansion, attempt FROM jobs WHERE id = @id AND owner = @owner AND token = @token')
      .get({ id, owner, token }) as JobRow | undefined;
  }

  /** Never shorter: the engine may learn of another time of the service a moment later than its rows. */
  extend(id: string, leaseUntil: number): void {
    this.#database
      .prepare('UPDATE jobs SET lease_until = max(lease_until, @leaseUntil) WHERE id = @id')
      .run({ leaseUntil, id });
  }

  /** Gives the lease back; the job keeps its place in the queue. */
  requeue(id: string, runAfter: number): void {
    this.#database
      .prepare('UPDATE jobs SET owner = NULL, lease_until = NULL, run_after = @runAfter WHERE id = @id')
      .run({ runAfter, id });
  }

  /** The last claim does not count as an attempt; its token stays used. */
  forgetAttempt(id: string): void {
    this.#database.prepare('UPDATE jobs SET attempt = attempt - 1 WHERE id = @id').run({ id });
  }

  remove(id: string): void {
    this.#database.prepare('DELETE FROM jobs WHERE id = @id').run({ id });
  }

  removeOf(expansion: number): void {
    this.#database.prepare('DELETE FROM jobs WHERE expansion = @expansion').run({ expansion });
  }

  /** Jobs whose lease ran out at their last attempt. */
  exhausted(now: number, maximumAttempts: number): JobRow[] {
    return this.#database
      .prepare(
        `SELECT id, expansion, attempt FROM jobs WHERE lease_until <= @now AND attempt >= @maximumAttempts
           AND expansion NOT IN (SELECT value FROM json_each(@passedOver))`,
      )
      .all({ now, maximumAttempts, passedOver: this.#passedOver }) as JobRow[];
  }

  ownedBy(owner: string): JobRow[] {
    return this.#database
      .prepare('SELECT id, expansion, attempt FROM jobs WHERE owner = @owner')
      .all({ owner }) as JobRow[];
  }

  owners(): string[] {
    return this.#database.prepare('SELECT DISTINCT owner FROM jobs WHERE owner IS NOT NULL').pluck().all() as string[];
  }
}
