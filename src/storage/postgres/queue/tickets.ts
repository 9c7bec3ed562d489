/**
 * The tickets of jobs. Each job has one job of pg-boss with the same id, its ticket, which is sent, fetched, put back
 * and deleted in the transaction that changes the job's row. pg-boss decides who gets a ticket and whether its owner is
 * dead.
 */
import type { PgBoss } from 'pg-boss';
import type { Database, Sql, Transaction } from '../database/database.ts';
import { installQueue, MONITOR_SECONDS, QUEUE, startBoss } from './pg-boss.ts';

/** The minimum of pg-boss. */
const LEAST_HEARTBEAT_SECONDS = 10;

/** Failures and ages end no ticket, because the domain decides on them. The columns are of the type `integer`. */
const UNLIMITED = 2 ** 31 - 1;
/** After this time pg-boss frees a ticket; it allows no more. The owner goes on: see `keep`. */
const EXPIRE_SECONDS = 24 * 3600;

/** Jobs without a ticket, or whose ticket counts as taken although they have no owner. */
const LOST = `FROM jobs j LEFT JOIN pgboss.job b ON b.name = @queue AND b.id = j.id::uuid
  WHERE (b.id IS NULL OR (b.state = 'active' AND j.owner IS NULL))`;

/** The columns of `jobs` that a ticket needs. */
export interface Ticketed {
  /** A UUID. */
  readonly id: string;
  readonly number: number;
  readonly turn: number;
}

export class Tickets {
  readonly #database: Database;
  readonly #boss: PgBoss;
  readonly #heartbeatSeconds: number;
  #supervising: Promise<void> | null = null;

  private constructor(database: Database, boss: PgBoss, leaseMs: number) {
    this.#database = database;
    this.#boss = boss;
    // a look that finds the lease of one job expired also frees those that expire before the next look
    this.#heartbeatSeconds = Math.max(LEAST_HEARTBEAT_SECONDS, Math.ceil(leaseMs / 1000) - MONITOR_SECONDS);
  }

  /**
   * Installs the queue in the database that `url` names if it is not there, and gives a ticket to each job without one.
   * Any number of processes may do so at once.
   * @throws AppError storage_failed, unavailable
   */
  static async open(database: Database, url: string, leaseMs: number): Promise<Tickets> {
    const db = { executeSql: (text: string, values?: unknown[]) => database.execute(text, values) };
    const start = () => startBoss(db);
    const boss = await start().catch(async () => {
      await installQueue(url);
      return start();
    });
    const tickets = new Tickets(database, boss, leaseMs);
    await tickets.mend();
    return tickets;
  }

  async close(): Promise<void> {
    await this.#boss.stop({ graceful: false });
  }

  /** Gives a ticket to a new job, which may be claimed at once. */
  send(t: Transaction, job: Ticketed): Promise<void> {
    return this.#send(t, [{ ...job, from: null }]);
  }

  /** Takes the free ticket whose job's turn comes first; null if no ticket is free. Returns the id of the job. */
  async fetch(t: Transaction): Promise<string | null> {
    const [ticket] = await this.#boss.fetch(QUEUE, within(t));
    return ticket?.id ?? null;
  }

  /**
   * Keeps the ticket of a job for its owner until `until`, whether or not pg-boss has noticed in the meantime that the
   * owner sent no heartbeat.
   */
  async keep(t: Transaction, id: string, until: number): Promise<void> {
    const { affected } = (await this.#boss.touch(QUEUE, id, within(t))) as { readonly affected: number };
    if (affected === 0) await this.#delay(t, id, until);
  }

  /** Frees the ticket of a job, which may be claimed from the time `from`, or at once. */
  async putBack(t: Transaction, id: string, from: number | null): Promise<void> {
    await this.#boss.fail(QUEUE, id, null, within(t));
    if (from !== null) await this.#delay(t, id, from);
  }

  async remove(t: Transaction, ids: readonly string[]): Promise<void> {
    if (ids.length > 0) await this.#boss.deleteJob(QUEUE, [...ids], within(t));
  }

  /**
   * Frees the tickets of owners that have sent no heartbeat. Calls at the same time share one look.
   * @throws AppError storage_failed, unavailable
   */
  supervise(): Promise<void> {
    this.#supervising ??= this.#boss.supervise(QUEUE).finally(() => {
      this.#supervising = null;
    });
    return this.#supervising;
  }

  /**
   * Whether a waiting job cannot be fetched, because it has no ticket, or one that nobody has. A job is made or given
   * back in this way by a process of the release before, and by a copy of the rows alone.
   */
  async isLost(id: string): Promise<boolean> {
    return (await this.#database.get(`SELECT 1 ${LOST} AND j.id = @id`, { id, queue: QUEUE })) !== undefined;
  }

  /** Gives a ticket to each job that is lost. */
  async mend(): Promise<void> {
    const any = await this.#database.get(`SELECT 1 ${LOST} LIMIT 1`, { queue: QUEUE });
    if (any === undefined) return;
    await this.#database.write(async (t) => {
      const lost = await t.all<Ticketed & { readonly from: number; readonly hasTicket: boolean }>(
        `SELECT j.id, j.number, j.turn, greatest(j.run_after, j.lease_until) AS from, b.id IS NOT NULL AS "hasTicket"
         ${LOST} ORDER BY j.number FOR UPDATE OF j SKIP LOCKED`,
        { queue: QUEUE },
      );
      await this.#send(
        t,
        lost.filter(({ hasTicket }) => !hasTicket),
      );
      for (const { id, from } of lost.filter(({ hasTicket }) => hasTicket)) await this.putBack(t, id, from);
    }, 'readCommitted');
  }

  /** Puts tickets and jobs in order, and lets pg-boss do what it does daily. Called regularly by one process. */
  async maintain(): Promise<void> {
    await this.mend();
    const orphans = await this.#database.all<{ readonly id: string }>(
      `SELECT b.id FROM pgboss.job b
       WHERE b.name = @queue AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.id = b.id::text)`,
      { queue: QUEUE },
    );
    if (orphans.length > 0)
      await this.#boss.deleteJob(
        QUEUE,
        orphans.map(({ id }) => id),
      );
    await this.#boss.supervise(QUEUE, { reindex: true });
  }

  async #send(t: Transaction, jobs: readonly (Ticketed & { readonly from: number | null })[]): Promise<void> {
    if (jobs.length === 0) return;
    const heartbeatSeconds = this.#heartbeatSeconds;
    const tickets = jobs.map(({ id, from }) => ({
      ...{ id, heartbeatSeconds, retryLimit: UNLIMITED, retryDelay: 0 },
      ...{ expireInSeconds: EXPIRE_SECONDS, retentionSeconds: UNLIMITED },
      ...(from !== null && { startAfter: dateOf(from) }),
    }));
    await this.#boss.insert(QUEUE, tickets, within(t));
    // pg-boss orders tickets of one priority by this time. Its priority is too small for a turn: 4 bytes.
    await t.run(
      `UPDATE pgboss.job b SET created_on = 'epoch'::timestamptz
         + j.turn * interval '1 millisecond' + (j.number % 1000) * interval '1 microsecond'
       FROM unnest(@ids::uuid[], @turns::bigint[], @numbers::bigint[]) AS j (id, turn, number)
       WHERE b.name = @queue AND b.id = j.id`,
      {
        queue: QUEUE,
        ids: jobs.map(({ id }) => id),
        turns: jobs.map(({ turn }) => turn),
        numbers: jobs.map(({ number }) => number),
      },
    );
  }

  /** Lets a free ticket wait until a time. */
  async #delay(t: Transaction, id: string, until: number): Promise<void> {
    await this.#boss.update(QUEUE, undefined, { id, startAfter: dateOf(until), ...within(t) });
  }
}

/** The option that lets a statement of pg-boss run in a transaction. */
function within(sql: Sql): { readonly db: { executeSql: Sql['execute'] } } {
  return { db: { executeSql: (text, values) => sql.execute(text, values) } };
}

function dateOf(ms: number): string {
  return new Date(ms).toISOString();
}
