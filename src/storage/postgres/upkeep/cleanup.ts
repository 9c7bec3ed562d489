/** Removes old rows, and blobs that no row refers to. */
import type { Cleanup as CleanupPort } from '../../../domain/ports/store.ts';
import type { Retention } from '../../../domain/types.ts';
import type { Connection } from '../connection.ts';
import { forgetAnswers } from '../idempotency.ts';
import type { Tickets } from '../queue/tickets.ts';
import type { PostgresUserSets } from '../users/user-sets.ts';
import { record, removeUnused } from './unused-blobs.ts';

const DAY_MS = 24 * 3600 * 1000;
/** Number of campaigns that one statement looks at, and number of campaigns that are locked at once. */
const SEARCHED_CAMPAIGNS = 10_000;
const LOCKED_CAMPAIGNS = 50;
/** Maximum number of versions, and of expansions, that one transaction removes. Others wait for it meanwhile. */
const REMOVED_ROWS = 1_000;

/** Versions that are too old, or not among the newest inactive ones of their campaign `c`. */
const OLD_VERSIONS = `
  a.version IS DISTINCT FROM c.active_version
  AND (a.created_at < @before OR @versions = 0 OR a.version < (
    SELECT b.version FROM audiences b WHERE b.campaign = a.campaign AND b.version IS DISTINCT FROM c.active_version
    ORDER BY b.version DESC OFFSET greatest(@versions::int - 1, 0) LIMIT 1))`;

/**
 * Expansions that are too old, or that have more than enough newer ones. Running expansions, the latest one and those
 * with an audience version are kept.
 */
const OLD_EXPANSIONS = `
  NOT e.latest
  AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.expansion = e.number)
  AND NOT EXISTS (SELECT 1 FROM audiences a WHERE a.expansion = e.number)
  AND (e.created_at < @before OR e.number < (
    SELECT f.number FROM expansions f WHERE f.campaign = e.campaign ORDER BY f.number DESC OFFSET @versions LIMIT 1))`;

/** How many versions are kept, and the time before which rows are old. */
type OldRows = { readonly versions: number; readonly before: number };

/** Its dependencies. */
interface Parts {
  readonly userSets: Pick<PostgresUserSets, 'removeUnused'>;
  readonly tickets: Pick<Tickets, 'maintain'>;
}

export class Cleanup implements CleanupPort {
  readonly #connection: Connection;
  readonly #parts: Parts;

  constructor(connection: Connection, parts: Parts) {
    this.#connection = connection;
    this.#parts = parts;
  }

  async prune({ versions, days }: Retention, before = this.#now() - days * DAY_MS): Promise<void> {
    const { database } = this.#connection;
    const bound = { versions, before };
    for (let from = 0; ; ) {
      const span = await database.get<{ readonly last: number | null }>(
        `SELECT max(number) AS last FROM (
           SELECT number FROM campaigns WHERE number > @from ORDER BY number LIMIT ${SEARCHED_CAMPAIGNS}) searched`,
        { from },
      );
      const { last } = span!;
      if (last === null) break;
      for (let rest: number | null = from; rest !== null; )
        rest = await this.#pruneSome({ ...bound, after: rest, last });
      from = last;
    }
    await forgetAnswers(database, this.#now());
    await this.removeUnused();
    await this.#parts.tickets.maintain();
  }

  /** The blobs of a store of Postgres have no other owner: a location belongs to one database. */
  async takeFolder(): Promise<null> {
    return null;
  }

  /** A copy of the database is recognised by Postgres, which begins a new timeline with each copy that is restored. */
  async renewGeneration(): Promise<void> {}

  removeUnusedFiles(): Promise<void> {
    const { database, blobs } = this.#connection;
    return removeUnused(database, blobs, this.#now());
  }

  /** Removes unused rankings and user sets. */
  async removeUnused(): Promise<void> {
    await this.removeUnusedFiles();
    await this.#parts.userSets.removeUnused();
  }

  /**
   * Prunes the first campaigns after `after` and up to `last` that have something old. Returns the last one, or null if
   * there are no more.
   */
  async #pruneSome(bound: OldRows & { readonly after: number; readonly last: number }): Promise<number | null> {
    // versions first, because an expansion without a version may be old too
    const rows = await this.#connection.database.all<{ readonly number: number }>(
      `SELECT c.number FROM campaigns c WHERE c.number > @after AND c.number <= @last AND (
         EXISTS (SELECT 1 FROM audiences a WHERE a.campaign = c.number AND ${OLD_VERSIONS})
         OR EXISTS (SELECT 1 FROM expansions e WHERE e.campaign = c.number AND ${OLD_EXPANSIONS}))
       ORDER BY c.number LIMIT ${LOCKED_CAMPAIGNS}`,
      bound,
    );
    const campaigns = rows.map(({ number }) => number);
    if (campaigns.length > 0) while (await this.#pruneCampaigns(campaigns, bound));
    return campaigns.length < LOCKED_CAMPAIGNS ? null : campaigns.at(-1)!;
  }

  /** Returns whether there may be more to remove. */
  #pruneCampaigns(campaigns: readonly number[], { versions, before }: OldRows): Promise<boolean> {
    const which = { versions, before, campaigns };
    return this.#connection.database.write(async (t) => {
      // nobody activates a version of these campaigns until the commit
      await t.all(
        'SELECT 1 FROM campaigns WHERE number = ANY(@campaigns::bigint[]) ORDER BY number FOR NO KEY UPDATE',
        { campaigns },
      );
      const removed = await t.all<{ readonly folder: string }>(
        `DELETE FROM audiences WHERE (campaign, version) IN (
           SELECT a.campaign, a.version FROM audiences a JOIN campaigns c ON c.number = a.campaign
           WHERE c.number = ANY(@campaigns::bigint[]) AND ${OLD_VERSIONS} LIMIT ${REMOVED_ROWS}) RETURNING folder`,
        which,
      );
      const expansions = await t.run(
        `DELETE FROM expansions WHERE number IN (
           SELECT e.number FROM expansions e
           WHERE e.campaign = ANY(@campaigns::bigint[]) AND ${OLD_EXPANSIONS} LIMIT ${REMOVED_ROWS})`,
        which,
      );
      if (removed.length > 0) await record(t, [...new Set(removed.map(({ folder }) => folder))], this.#now());
      return removed.length === REMOVED_ROWS || expansions === REMOVED_ROWS;
    }, 'readCommitted');
  }

  #now(): number {
    return this.#connection.options.clock.now();
  }
}
