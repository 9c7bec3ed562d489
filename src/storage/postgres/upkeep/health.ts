/** Implements the port for the store's health with Postgres. */
import type { FailedExpansion, LostFiles, Queue, StoreHealth } from '../../../domain/ports/health.ts';
import type { Reason } from '../../../domain/types.ts';
import type { Connection } from '../connection.ts';

export class PostgresHealth implements StoreHealth {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** The database is not made of files of this machine. */
  lostFiles(): LostFiles | null {
    return null;
  }

  /** Never returns `busy`, because processes that write at the same time do not block each other. */
  async probe(): Promise<'written'> {
    const { database, options } = this.#connection;
    await database.run('UPDATE probe SET written_at = @now', { now: options.clock.now() });
    return 'written';
  }

  async queue(): Promise<Queue> {
    const { database, options } = this.#connection;
    const now = options.clock.now();
    const { depth, oldest } = (await database.get<{ readonly depth: number; readonly oldest: number | null }>(
      `SELECT count(*) AS depth, min(queued_at) AS oldest FROM jobs
       WHERE lease_until IS NULL OR lease_until <= @now`,
      { now },
    ))!;
    return { depth, oldestSeconds: Math.max(0, now - (oldest ?? now)) / 1000 };
  }

  async lastFailures(limit: number): Promise<readonly FailedExpansion[]> {
    // each half of the union uses a separate index, and few queued expansions have a reason
    const rows = await this.#connection.database.all<Omit<FailedExpansion, 'code'> & { readonly reason: Reason }>(
      `SELECT c.id AS "campaignId", e.id AS "expansionId", e.reason, e.updated_at AS at
       FROM ((SELECT number, campaign, id, reason, updated_at FROM expansions
              WHERE state = 'failed' ORDER BY updated_at DESC LIMIT @limit)
             UNION ALL
             SELECT number, campaign, id, reason, updated_at FROM expansions
             WHERE latest AND state = 'queued' AND reason IS NOT NULL) e
       JOIN campaigns c ON c.number = e.campaign
       ORDER BY e.updated_at DESC, e.number DESC LIMIT @limit`,
      { limit },
    );
    return rows.map(({ reason, ...failure }) => ({ ...failure, code: reason.code }));
  }

  async schemaVersion(): Promise<number> {
    const sql = 'SELECT max(number) AS version FROM schema_steps';
    return (await this.#connection.database.get<{ readonly version: number }>(sql))!.version;
  }
}
