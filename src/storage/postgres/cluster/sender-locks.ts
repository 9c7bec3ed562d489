/**
 * Locks of webhooks in a cluster. They belong to a connection, so they are released when the process ends or loses its
 * network. If a process is suspended, the server ends its connection.
 */
import type { Client } from 'pg';
import type { SenderLocks } from '../../sql/sender-locks.ts';
import type { PostgresDatabase } from '../database/database.ts';
import { SENDING } from '../database/locks.ts';

/**
 * The server ends a connection that has been idle for this long. This process gives up unused locks after a shorter
 * time. An attempt takes less than that (`webhookTimeoutMs`), so its outcome is recorded first.
 */
const ENDED_AFTER_MS = 30_000;
const UNUSED_AFTER_MS = 20_000;

export class PostgresSenderLocks implements SenderLocks {
  readonly #connect: () => Promise<Client>;
  #client: Client | null = null;
  #held = new Set<number>();
  #unused: NodeJS.Timeout | null = null;

  constructor(database: Pick<PostgresDatabase, 'connectAlone'>) {
    this.#connect = () => database.connectAlone();
  }

  async hold(webhooks: readonly number[], kept: readonly number[]): Promise<ReadonlySet<number>> {
    this.#postpone();
    const wanted = webhooks.filter((webhook) => !this.#held.has(webhook));
    const unwanted = [...this.#held].filter((webhook) => !webhooks.includes(webhook) && !kept.includes(webhook));
    if (unwanted.length > 0) await this.#each('pg_advisory_unlock', unwanted);
    for (const webhook of unwanted) this.#held.delete(webhook);
    for (const webhook of wanted.length > 0 ? await this.#each('pg_try_advisory_lock', wanted) : [])
      this.#held.add(webhook);
    // keeps the connection busy, and checks whether it still exists
    if (this.#held.size > 0 && wanted.length === 0 && unwanted.length === 0) await this.#query('SELECT 1', []);
    return this.#held;
  }

  async close(): Promise<void> {
    if (this.#unused !== null) clearTimeout(this.#unused);
    const client = this.#client;
    this.#forget();
    await client?.end().catch(() => {});
  }

  /** Calls a function of Postgres for each webhook; returns the webhooks for which it returned true. */
  async #each(call: 'pg_try_advisory_lock' | 'pg_advisory_unlock', webhooks: readonly number[]): Promise<number[]> {
    const text = `SELECT number FROM unnest($2::int[]) AS number WHERE ${call}($1::int, number)`;
    return (await this.#query(text, [SENDING, webhooks])).map(({ number }) => number);
  }

  async #query(text: string, values: unknown[]): Promise<{ readonly number: number }[]> {
    this.#client ??= await this.#open();
    try {
      return (await this.#client.query(text, values)).rows;
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  async #open(): Promise<Client> {
    const client = await this.#connect();
    client.on('error', () => this.#forget(client));
    client.on('end', () => this.#forget(client));
    await client.query(`SET idle_session_timeout = ${ENDED_AFTER_MS}`);
    return client;
  }

  #forget(client = this.#client): void {
    if (client !== this.#client) return;
    this.#client = null;
    this.#held = new Set();
  }

  #postpone(): void {
    if (this.#unused !== null) clearTimeout(this.#unused);
    this.#unused = setTimeout(() => void this.close(), UNUSED_AFTER_MS);
    this.#unused.unref();
  }
}
