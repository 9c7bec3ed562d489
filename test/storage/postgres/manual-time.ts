/** The clock of pg-boss in a database, which follows a clock that a test sets by hand. */
import pg from 'pg';
import type { CampaignStore } from '../../../src/domain/ports/store.ts';
import type { Clock } from '../../../src/lib/clock.ts';

/** Methods after which a ticket has another state. */
const TIMED = ['create', 'expand', 'claim', 'renew', 'retryLater', 'releaseOwner', 'cancel', 'prune'] as const;

/** Time as pg-boss reads it, in the database that a URL names. */
export class ManualTime {
  readonly #client: pg.Client;
  readonly #clock: Pick<Clock, 'now'>;
  #set = Number.NaN;

  private constructor(client: pg.Client, clock: Pick<Clock, 'now'>) {
    this.#client = client;
    this.#clock = clock;
  }

  /** Takes the place of the clock in a database whose store was opened. */
  static async open(url: string, clock: Pick<Clock, 'now'>): Promise<ManualTime> {
    const client = new pg.Client({ connectionString: url });
    // a random history that was interrupted may go on while its database is dropped
    client.on('error', () => {});
    await client.connect();
    await client.query(`
      CREATE TABLE pgboss.manual_time (ms bigint NOT NULL);
      INSERT INTO pgboss.manual_time VALUES (0);
      CREATE OR REPLACE FUNCTION pgboss.job_now() RETURNS timestamptz LANGUAGE sql STABLE AS $$
        SELECT 'epoch'::timestamptz + ms * interval '1 millisecond' FROM pgboss.manual_time
      $$`);
    return new ManualTime(client, clock);
  }

  /** The store, whose methods set the time before they begin. */
  before(store: CampaignStore): CampaignStore {
    const timed = TIMED.map((name) => {
      const method = store[name] as (...args: unknown[]) => unknown;
      const call = async (...args: unknown[]) => {
        await this.#follow();
        return method(...args);
      };
      return [name, call] as const;
    });
    return { ...store, ...Object.fromEntries(timed) };
  }

  async close(): Promise<void> {
    await this.#client.end();
  }

  async #follow(): Promise<void> {
    const now = this.#clock.now();
    if (now === this.#set) return;
    this.#set = now;
    await this.#client.query('UPDATE pgboss.manual_time SET ms = $1', [now]);
  }
}
