/**
 * Sessions of the processes that run an engine. Each process has a separate connection named after the owner of the
 * engine's claims. It closes when the process ends, so other processes notice at once, long before leases expire.
 */
import type pg from 'pg';
import { systemClock } from '../../../lib/clock.ts';
import type { PostgresDatabase } from '../database/database.ts';
import { newClient } from '../database/driver.ts';

const NAME = 'metaheac engine ';
/** Pause before a lost connection is reopened. */
const RECONNECT_MS = 100;
/** An owner without a session for this long is lost. Reopening a connection takes only a fraction of this time. */
const LOST_MS = 500;
/** After a restart of the server, all processes have lost their sessions and get this long to reopen them. */
const SERVER_START_SECONDS = 3;

export class EngineSessions {
  readonly #database: PostgresDatabase;
  readonly #url: string;
  #owner: string | null = null;
  #client: pg.Client | null = null;
  #timer: NodeJS.Timeout | null = null;
  /** The owners seen so far, and when their session disappeared; null while it exists. */
  readonly #seen = new Map<string, number | null>();

  constructor(database: PostgresDatabase, url: string) {
    this.#database = database;
    this.#url = url;
  }

  hold(owner: string): void {
    this.#owner = owner;
    this.#reconnect(0);
  }

  async findLost(): Promise<readonly string[]> {
    const rows = await this.#database.all<{ readonly name: string }>(
      `SELECT application_name AS name FROM pg_stat_activity
       WHERE datname = current_database() AND starts_with(application_name, @name)
       UNION ALL SELECT '' WHERE clock_timestamp() < pg_postmaster_start_time() + @seconds * interval '1 second'`,
      { name: NAME, seconds: SERVER_START_SECONDS },
    );
    const now = systemClock.elapsed();
    const names = new Set(rows.map(({ name }) => name));
    const isStarting = names.delete('');
    for (const [owner, since] of this.#seen) this.#seen.set(owner, isStarting ? now : (since ?? now));
    for (const name of names) this.#seen.set(name.slice(NAME.length), null);
    const lost = [...this.#seen].filter(([, since]) => since !== null && now - since >= LOST_MS);
    for (const [owner] of lost) this.#seen.delete(owner);
    return lost.map(([owner]) => owner);
  }

  async close(): Promise<void> {
    this.#owner = null;
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#client?.end().catch(() => {});
  }

  #reconnect(ms: number): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#connect(), ms);
    this.#timer.unref();
  }

  #connect(): void {
    const former = this.#client;
    const client = newClient(this.#url, `${NAME}${this.#owner}`);
    this.#client = client;
    client.on('end', () => {
      if (client === this.#client && this.#owner !== null) this.#reconnect(RECONNECT_MS);
    });
    client.connect().catch(() => client.end().catch(() => {}));
    former?.end().catch(() => {});
  }
}
