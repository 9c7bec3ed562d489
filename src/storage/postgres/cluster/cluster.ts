/** What the processes of a cluster need from Postgres. */
import type { BlobCacheCounts, Cluster, Member, Outage } from '../../../domain/ports/cluster.ts';
import type { Announcements, Topic } from '../../../domain/ports/served.ts';
import type { PostgresDatabase } from '../database/database.ts';
import { EngineSessions } from './engine-sessions.ts';
import { PostgresLeadership } from './leadership.ts';
import { DatabaseLink } from './link.ts';
import { PostgresServedRow } from './served-row.ts';
import { PostgresCounts } from './shared-counts.ts';

interface Options {
  readonly blobCache?: BlobCacheCounts | null;
  /** Whether reads are refused at once while an outage is known, instead of waiting for its end. */
  readonly refusesReads?: boolean;
}

export class PostgresCluster implements Cluster {
  readonly leadership: PostgresLeadership;
  readonly counts: PostgresCounts;
  readonly announcements: Announcements;
  readonly served: PostgresServedRow;
  readonly blobCache: BlobCacheCounts | null;
  readonly #database: PostgresDatabase;
  readonly #link: DatabaseLink;
  readonly #sessions: EngineSessions;

  /** `url` names the opened database; `id` is this process, unique over all hosts and restarts. */
  constructor(
    database: PostgresDatabase,
    url: string,
    id: string,
    { blobCache = null, refusesReads = false }: Options = {},
  ) {
    this.#database = database;
    this.leadership = new PostgresLeadership(database, url, id);
    this.counts = new PostgresCounts(database);
    this.announcements = announcementsOf(database);
    this.served = new PostgresServedRow(database);
    this.blobCache = blobCache;
    this.#link = new DatabaseLink(database, refusesReads);
    this.#sessions = new EngineSessions(database, url);
  }

  async now(): Promise<number> {
    const row = await this.#database.get<{ readonly now: number }>(
      'SELECT (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS now',
    );
    return row!.now;
  }

  async databaseId(): Promise<string> {
    const row = await this.#database.get<{ readonly id: string }>('SELECT database_id AS id FROM installation');
    return row!.id;
  }

  outage(): Outage | null {
    return this.#link.outage();
  }

  holdOwner(owner: string): void {
    this.#sessions.hold(owner);
  }

  findLostOwners(): Promise<readonly string[]> {
    return this.#sessions.findLost();
  }

  async neededPopulations(): Promise<readonly string[]> {
    const rows = await this.#database.all<{ readonly version: string }>(
      `SELECT population AS version FROM served
       UNION SELECT e.population_version FROM expansions e JOIN jobs j ON j.expansion = e.number
             WHERE e.population_version IS NOT NULL
       UNION SELECT population_version FROM audiences`,
    );
    return rows.map(({ version }) => version);
  }

  async neededModels(): Promise<readonly string[]> {
    const served = await this.served.get();
    const rows = await this.#database.all<{ readonly version: string }>(
      `SELECT e.model_version AS version FROM expansions e JOIN jobs j ON j.expansion = e.number
         WHERE e.model_version IS NOT NULL
       UNION SELECT e.model_version FROM audiences a JOIN expansions e ON e.number = a.expansion
         WHERE e.model_version IS NOT NULL`,
    );
    return [...(served?.models ?? []), ...rows].map(({ version }) => version);
  }

  async heartbeat({ id, kind, host, release, isReady }: Omit<Member, 'ageMs'>, forgetAfterMs: number): Promise<void> {
    await this.#database.run(
      `INSERT INTO members (id, kind, host, release, is_ready, seen_at)
       VALUES (@id, @kind, @host, @release, @isReady, clock_timestamp())
       ON CONFLICT (id) DO UPDATE SET is_ready = @isReady, seen_at = clock_timestamp()`,
      { id, kind, host, release, isReady },
    );
    await this.#database.run(`DELETE FROM members WHERE seen_at < clock_timestamp() - @ms * interval '1 millisecond'`, {
      ms: forgetAfterMs,
    });
  }

  async leave(id: string): Promise<void> {
    await this.#database.run('DELETE FROM members WHERE id = @id', { id });
  }

  members(): Promise<readonly Member[]> {
    return this.#database.all<Member>(
      `SELECT id, kind, host, release, is_ready AS "isReady",
         greatest(0, extract(epoch FROM clock_timestamp() - seen_at) * 1000)::float8 AS "ageMs"
       FROM members ORDER BY kind, host, id`,
    );
  }

  /** Call this before the database is closed. */
  async close(): Promise<void> {
    this.#link.close();
    this.served.close();
    await this.#sessions.close();
    await this.leadership.close();
  }
}

function announcementsOf(database: PostgresDatabase): Announcements {
  return {
    announce: (topic) => database.write(async (transaction) => transaction.announce(topic), 'readCommitted'),
    onAnnounced: (topic: Topic, listener) => {
      let isEnded = false;
      database.listen(topic, () => {
        if (!isEnded) listener();
      });
      return () => {
        isEnded = true;
      };
    },
  };
}
