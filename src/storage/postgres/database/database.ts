/**
 * Access to Postgres: statements with named parameters, write transactions that are repeated after conflicts, and
 * announcements between processes.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { randomInt } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import type pg from 'pg';
import { AppError, assert } from '../../../lib/errors.ts';
import { POSTGRES } from '../../sql/dialect.ts';
import type { BeforeCommit, Bound, Database, Listener, Sql, Transaction, WriteLevel } from '../../sql/sql.ts';
import { Announcements, type Tracking } from './announcements.ts';
import { begin, rollBack } from './begin.ts';
import { connectPool, newClient } from './driver.ts';
import { databaseError, isConflict, isConnectionLost, isDoubtful, isUnavailable } from './errors.ts';
import { ENTERING, LISTS } from './locks.ts';
import { migrate } from './migrations.ts';
import { ReadGate } from './read-gate.ts';
import { bindNames } from './statement.ts';

/** Number of attempts at a transaction that run concurrently with others; after these, it runs alone. */
const ATTEMPTS_BESIDE_OTHERS = 5;
const ATTEMPTS_ALONE = 3;
/** Maximum pause before the second attempt; it doubles with each attempt. */
const PAUSE_MS = 8;
/**
 * Migrates the database that a URL names, and opens it. Any number of processes may do so at once.
 * @throws AppError storage_failed, unavailable; invalid_argument if a newer version has migrated the database
 */
export async function openDatabase(url: string, tracking?: Tracking): Promise<PostgresDatabase> {
  await migrate(url);
  return new PostgresDatabase(url, undefined, tracking);
}

/**
 * Number of attempts to find out whether a transaction was committed after its connection was lost, and the pause
 * between them.
 */
const STATUS_ATTEMPTS = 20;
const STATUS_PAUSE_MS = 250;

export class PostgresDatabase implements Database {
  readonly dialect = POSTGRES;
  /** The gate for reads. It is controlled from outside: the database does not check by itself whether it answers. */
  readonly reads = new ReadGate();
  readonly #url: string;
  readonly #pool: pg.Pool;
  readonly #announcements: Announcements;
  readonly #hooks: BeforeCommit[] = [];
  /** Whether a transaction is running in this context. Until it ends, only its own methods may be used. */
  readonly #open = new AsyncLocalStorage<boolean>();

  /** Connects when it is first used. */
  constructor(url: string, poolSize?: number, tracking: Tracking = 'proved') {
    this.#url = url;
    this.#pool = connectPool(url, poolSize);
    this.#announcements = new Announcements(url, tracking);
  }

  /** Announcements from other processes. */
  get announcements(): Announcements {
    return this.#announcements;
  }

  async all<T extends object>(text: string, values?: Bound): Promise<T[]> {
    return (await this.#query(bindNames(text, values))).rows as T[];
  }

  async get<T extends object>(text: string, values?: Bound): Promise<T | undefined> {
    return (await this.all<T>(text, values))[0];
  }

  async run(text: string, values?: Bound): Promise<number> {
    return (await this.#query(bindNames(text, values))).rowCount ?? 0;
  }

  /** Postgres verifies its pages itself. */
  async findDamaged(): Promise<null> {
    return null;
  }

  /** Runs the action: the database has its own disk, so there is nothing to free here. */
  freeing<T>(action: () => Promise<T>): Promise<T> {
    return action();
  }

  async schemaVersion(): Promise<number> {
    const sql = 'SELECT max(number) AS version FROM schema_steps';
    return (await this.get<{ readonly version: number }>(sql))!.version;
  }

  requireWritable(): void {}

  /** Resolves once the database answers, even if reads are refused. @throws AppError unavailable, storage_failed */
  async probe(): Promise<void> {
    await this.#pool.query('SELECT 1').catch((error) => {
      throw databaseError(error);
    });
  }

  beforeCommit(hook: BeforeCommit): void {
    this.#hooks.push(hook);
  }

  listen(topic: string, listener: Listener): void {
    this.#announcements.listen(topic, listener);
  }

  async write<T>(work: (transaction: Transaction) => Promise<T>, level: WriteLevel = 'serializable'): Promise<T> {
    let isLost = false;
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#attempt(work, level, level === 'alone' || attempt > ATTEMPTS_BESIDE_OTHERS);
      } catch (error) {
        const isAgain = isConflict(error) || isDoubtful(error) || (isConnectionLost(error) && !isLost);
        isLost ||= isConnectionLost(error);
        const most = isDoubtful(error) ? ATTEMPTS_ALONE : ATTEMPTS_BESIDE_OTHERS + ATTEMPTS_ALONE;
        if (!isAgain || attempt >= most) throw databaseError(error);
        await setTimeout(randomInt(PAUSE_MS * 2 ** Math.min(attempt, 6)));
      }
    }
  }

  /**
   * Runs `work` on one state of the database, for as long as it takes. `work` must only read.
   * @throws AppError unavailable, storage_failed; the errors of `work`
   */
  async read<T>(work: (state: Sql) => Promise<T>): Promise<T> {
    assert(this.#open.getStore() !== true, 'within a transaction, statements run by the transaction');
    let failure: unknown;
    const client = await this.#pool.connect().catch((error) => {
      throw databaseError(error);
    });
    try {
      await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
      const result = await this.#open.run(true, () => work(new OpenTransaction(client)));
      await client.query('COMMIT');
      return result;
    } catch (error) {
      failure = error;
      throw databaseError(error);
    } finally {
      if (failure === undefined) client.release();
      else await rollBack(client, failure);
    }
  }

  /**
   * Opens a connection of its own, for locks that belong to a connection. The caller ends it.
   * @throws AppError unavailable, storage_failed
   */
  async connectAlone(): Promise<pg.Client> {
    const client = newClient(this.#url);
    try {
      await client.connect();
      return client;
    } catch (error) {
      throw databaseError(error);
    }
  }

  async close(): Promise<void> {
    await Promise.all([this.#announcements.close(), this.#pool.end()]);
  }

  async #query(bound: pg.QueryConfig<unknown[]>): Promise<pg.QueryResult> {
    assert(this.#open.getStore() !== true, 'within a transaction, statements run by the transaction');
    const query = () => this.#pool.query(bound);
    try {
      if (!/^\s*SELECT/.test(bound.text)) return await query();
      return await this.reads.pass(() =>
        query().catch((error) => {
          // the connection was idle while the server restarted
          if (isConnectionLost(error)) return query();
          throw error;
        }),
      );
    } catch (error) {
      throw databaseError(error);
    }
  }

  async #attempt<T>(work: (transaction: Transaction) => Promise<T>, level: WriteLevel, isAlone: boolean): Promise<T> {
    assert(this.#open.getStore() !== true, 'transactions are not nested');
    const client = await this.#pool.connect();
    const transaction = new OpenTransaction(client);
    let failure: unknown;
    try {
      const id = await begin(client, level, isAlone);
      const { result, committed } = await this.#open.run(true, async () => {
        const result = await work(transaction);
        const committed: (() => void)[] = [];
        for (const hook of this.#hooks) committed.push((await hook(transaction)) ?? (() => {}));
        await transaction.tell();
        return { result, committed };
      });
      await this.#commit(client, id);
      for (const after of committed) after();
      this.#announcements.deliver(transaction.announced);
      return result;
    } catch (error) {
      failure = error;
      throw error;
    } finally {
      if (failure === undefined) client.release();
      else await rollBack(client, failure);
    }
  }

  async #commit(client: pg.PoolClient, id: string): Promise<void> {
    try {
      await client.query('COMMIT');
    } catch (error) {
      if (!isConnectionLost(error) || !(await this.#isCommitted(id, error))) throw error;
    }
  }

  /** Whether a transaction was committed even though its connection was lost during the commit. */
  async #isCommitted(id: string, cause: unknown): Promise<boolean> {
    for (let attempt = 1; attempt <= STATUS_ATTEMPTS; attempt++) {
      await setTimeout(STATUS_PAUSE_MS);
      try {
        const { rows } = await this.#pool.query('SELECT pg_xact_status($1::xid8) AS status', [id]);
        if (rows[0].status !== 'in progress') return rows[0].status === 'committed';
      } catch (error) {
        if (!isConnectionLost(error) && !isUnavailable(error)) throw error;
      }
    }
    throw new AppError('unavailable', 'the database was lost at a commit, which may have taken place', { cause });
  }
}

class OpenTransaction implements Transaction {
  readonly dialect = POSTGRES;
  readonly announced: (readonly [topic: string, key: string | null])[] = [];
  readonly #client: pg.PoolClient;

  constructor(client: pg.PoolClient) {
    this.#client = client;
  }

  async all<T extends object>(text: string, values?: Bound): Promise<T[]> {
    return (await this.#client.query(bindNames(text, values))).rows as T[];
  }

  async get<T extends object>(text: string, values?: Bound): Promise<T | undefined> {
    return (await this.all<T>(text, values))[0];
  }

  async run(text: string, values?: Bound): Promise<number> {
    return (await this.#client.query(bindNames(text, values))).rowCount ?? 0;
  }

  async findDamaged(): Promise<null> {
    return null;
  }

  async enterAlone(list: keyof typeof LISTS): Promise<void> {
    await this.run('SELECT pg_advisory_xact_lock(@kind, @list)', { kind: ENTERING, list: LISTS[list] });
  }

  announce(topic: string, key?: string): void {
    this.announced.push([topic, key ?? null]);
  }

  /** Sends the announcements, which others receive after the commit. */
  async tell(): Promise<void> {
    if (this.announced.length === 0) return;
    await this.run(
      'SELECT pg_notify(@channel, told) FROM unnest(@texts::text[]) told',
      Announcements.encode(this.announced),
    );
  }
}
