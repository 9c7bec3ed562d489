/**
 * Leadership by an advisory lock of Postgres on a connection of its own, which is lost with the connection. Each new
 * leader increases the term in the table `leaders`, so the database refuses transactions of a former leader that has
 * not noticed its loss yet.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { setTimeout } from 'node:timers/promises';
import type pg from 'pg';
import type { Leadership } from '../../../domain/ports/leader.ts';
import { systemClock } from '../../../lib/clock.ts';
import { AppError } from '../../../lib/errors.ts';
import { within } from '../../../lib/within.ts';
import type { PostgresDatabase } from '../database/database.ts';
import { newClient } from '../database/driver.ts';

/** The key of the advisory lock: the letters `mhl`. */
const LOCK = 0x6d686c;
/** How often the leader proves that it is alive, and other processes try to become leader. */
const BEAT_MS = 1_000;
/** Maximum time to wait for an answer of the database. */
const ANSWER_MS = 2_000;
/** For how long after its last proof a leader assumes that it still leads. */
const BELIEF_MS = 4_000;
/**
 * The server ends the connection of a leader that is silent for this long, because its process was stopped or cannot be
 * reached, and gives the lock to another process. Longer than `BELIEF_MS`, so leaders do not overlap for long.
 */
const SILENCE_MS = 5_000;

export class PostgresLeadership implements Leadership {
  readonly #url: string;
  readonly #id: string;
  readonly #listeners: (() => void)[] = [];
  /** The term in which the work in this context runs. */
  readonly #working = new AsyncLocalStorage<number>();
  readonly #closed = new AbortController();
  #client: pg.Client | null = null;
  #term: number | null = null;
  #provenAt = Number.NEGATIVE_INFINITY;
  /** Settles when this process stops trying to lead; null until it asks for leadership. */
  #ended: Promise<void> | null = null;

  /**
   * `id` names this process in the table. A process tries to lead from its first call of `lead` or `onLead`, so
   * processes without such work (engines, commands) never lead.
   */
  constructor(database: PostgresDatabase, url: string, id: string) {
    this.#url = url;
    this.#id = id;
    database.beforeCommit(async (transaction) => {
      const term = this.#working.getStore();
      if (term === undefined) return null;
      // the row stays locked until the commit, so no other process begins to lead before it
      const row = await transaction.get('SELECT 1 AS found FROM leaders WHERE term = @term FOR SHARE', { term });
      if (row === undefined) throw new AppError('unavailable', 'another process leads now');
      return null;
    });
  }

  get isLeader(): boolean {
    return this.#term !== null && systemClock.elapsed() - this.#provenAt < BELIEF_MS;
  }

  async lead<T>(work: () => Promise<T>): Promise<T | null> {
    this.#begin();
    const term = this.isLeader ? this.#term : null;
    return term === null ? null : this.#working.run(term, work);
  }

  onLead(listener: () => void): void {
    this.#listeners.push(listener);
    this.#begin();
  }

  /** Gives leadership back; another process leads within a second. */
  async close(): Promise<void> {
    this.#closed.abort();
    await this.#ended;
  }

  #begin(): void {
    this.#ended ??= this.#run();
  }

  async #run(): Promise<void> {
    while (!this.#closed.signal.aborted) {
      try {
        await this.#beat();
      } catch {
        // connections that fail are opened again, and the database decides who leads
        this.#drop();
      }
      await setTimeout(BEAT_MS, null, { signal: this.#closed.signal, ref: false }).catch(() => {});
    }
    const client = this.#client;
    this.#client = null;
    this.#term = null;
    if (client !== null) await answered(client.end()).catch(() => {});
  }

  async #beat(): Promise<void> {
    this.#client ??= await this.#connect();
    const client = this.#client;
    const sentAt = systemClock.elapsed();
    if (this.#term !== null) {
      await answered(client.query('SELECT 1'));
      this.#provenAt = sentAt;
      return;
    }
    const { rows } = await answered(client.query('SELECT pg_try_advisory_lock($1) AS is_mine', [LOCK]));
    if (!rows[0].is_mine) return;
    const begun = await answered(
      client.query('UPDATE leaders SET term = term + 1, leader = $1 RETURNING term', [this.#id]),
    );
    this.#term = begun.rows[0].term as number;
    this.#provenAt = sentAt;
    for (const listener of this.#listeners) listener();
  }

  async #connect(): Promise<pg.Client> {
    const client = newClient(this.#url);
    client.on('end', () => this.#drop(client));
    try {
      await client.connect();
      await answered(client.query(`SET idle_session_timeout = ${SILENCE_MS}`));
    } catch (error) {
      client.end().catch(() => {});
      throw error;
    }
    return client;
  }

  /** Ends the connection, and leadership with it. */
  #drop(client: pg.Client | null = this.#client): void {
    if (client === null || client !== this.#client) return;
    this.#client = null;
    this.#term = null;
    client.end().catch(() => {});
  }
}

/** @throws Error if the database does not answer in time */
function answered<T>(query: Promise<T>): Promise<T> {
  return within(ANSWER_MS, query, () => new Error('the database does not answer'));
}
