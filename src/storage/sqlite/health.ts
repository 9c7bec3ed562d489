/** Implements the port for the store's health with SQLite. */
import type { FailedExpansion, LostFiles, Queue, StoreHealth } from '../../domain/ports/health.ts';
import { AppError } from '../../lib/errors.ts';
import type { Connection } from './connection.ts';
import { BUSY_TIMEOUT_MS, versionOf, write } from './database/database.ts';
import type { Synchronous } from './promised.ts';

/** Maximum time that a probe waits for another process to finish writing; requests wait during that time. */
const PROBE_WAIT_MS = 100;

export class SqliteHealth implements Synchronous<StoreHealth> {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  lostFiles(): LostFiles | null {
    return this.#connection.files.look();
  }

  probe(): 'written' | 'busy' {
    const { database, options } = this.#connection;
    const now = options.clock.now();
    database.pragma(`busy_timeout = ${PROBE_WAIT_MS}`);
    try {
      write(database, () => database.prepare('UPDATE probe SET written_at = @now').run({ now }));
      return 'written';
    } catch (error) {
      if (error instanceof AppError && error.code === 'unavailable') return 'busy';
      throw error;
    } finally {
      database.pragma(`busy_timeout = ${BUSY_TIMEOUT_MS}`);
    }
  }

  queue(): Queue {
    const now = this.#connection.options.clock.now();
    const { depth, oldest } = this.#connection.database
      .prepare(
        `SELECT count(*) AS depth, min(queued_at) AS oldest FROM jobs
         WHERE lease_until IS NULL OR lease_until <= @now`,
      )
      .get({ now }) as { readonly depth: number; readonly oldest: number | null };
    return { depth, oldestSeconds: Math.max(0, now - (oldest ?? now)) / 1000 };
  }

  lastFailures(limit: number): readonly FailedExpansion[] {
    // each half of the union uses a separate index, and few queued expansions have a reason
    return this.#connection.database
      .prepare(
        `SELECT c.id AS campaignId, e.id AS expansionId,
           CASE WHEN json_valid(e.reason) THEN json_extract(e.reason, '$.code') END AS code, e.updated_at AS at
         FROM (SELECT * FROM (SELECT number, campaign, id, reason, updated_at FROM expansions
                              WHERE state = 'failed' ORDER BY updated_at DESC LIMIT @limit)
               UNION ALL
               SELECT number, campaign, id, reason, updated_at FROM expansions
               WHERE latest = 1 AND state = 'queued' AND reason IS NOT NULL) e
         JOIN campaigns c ON c.number = e.campaign
         ORDER BY e.updated_at DESC, e.number DESC LIMIT @limit`,
      )
      .all({ limit }) as FailedExpansion[];
  }

  schemaVersion(): number {
    return versionOf(this.#connection.database);
  }
}
