/** Reports whether the store can be written to, how many jobs are queued, and the latest failures. */
import type { FailedExpansion, LostFiles, Queue, StoreHealth } from '../../domain/ports/health.ts';
import type { Reason } from '../../domain/types.ts';
import { AppError } from '../../lib/errors.ts';
import type { StoreDependencies } from './dependencies.ts';
import { readJson } from './json.ts';

interface FailureRow extends Omit<FailedExpansion, 'code'> {
  readonly number: number;
  readonly reason: string;
}

export class HealthRepository implements StoreHealth {
  readonly #dependencies: StoreDependencies;
  readonly lostFiles: () => LostFiles | null;

  /** `lostFiles` checks for missing database files; only for a database in local files. */
  constructor(dependencies: StoreDependencies, lostFiles: () => LostFiles | null = () => null) {
    this.#dependencies = dependencies;
    this.lostFiles = lostFiles;
  }

  async probe(): Promise<'written' | 'busy'> {
    const { database, options } = this.#dependencies;
    const now = options.clock.now();
    try {
      await database.write((t) => t.run('UPDATE probe SET written_at = @now', { now }), 'impatient');
      return 'written';
    } catch (error) {
      const isBusy = database.dialect.name === 'sqlite' && error instanceof AppError && error.code === 'unavailable';
      if (isBusy) return 'busy';
      throw error;
    }
  }

  async queue(): Promise<Queue> {
    const { database, options } = this.#dependencies;
    const now = options.clock.now();
    const { depth, oldest } = (await database.get<{ readonly depth: number; readonly oldest: number | null }>(
      `SELECT count(*) AS depth, min(queued_at) AS oldest FROM jobs
       WHERE lease_until IS NULL OR lease_until <= @now`,
      { now },
    ))!;
    return { depth, oldestSeconds: Math.max(0, now - (oldest ?? now)) / 1000 };
  }

  async lastFailures(limit: number): Promise<readonly FailedExpansion[]> {
    const { database } = this.#dependencies;
    // each half of the union uses a separate index; few queued expansions have a reason
    const rows = await database.all<FailureRow>(
      `SELECT e.number, c.id AS "campaignId", e.id AS "expansionId", e.reason, e.updated_at AS at
       FROM (SELECT * FROM (SELECT number, campaign, id, reason, updated_at FROM expansions
                            WHERE state = 'failed' ORDER BY updated_at DESC LIMIT @limit) failed
             UNION ALL
             SELECT number, campaign, id, reason, updated_at FROM expansions
             WHERE latest AND state = 'queued' AND reason IS NOT NULL) e
       JOIN campaigns c ON c.number = e.campaign
       ORDER BY e.updated_at DESC, e.number DESC LIMIT @limit`,
      { limit },
    );
    const failures: FailedExpansion[] = [];
    for (const { number, reason, ...failure } of rows)
      if ((await database.findDamaged([['expansions', { number }]])) === null)
        failures.push({ ...failure, code: readJson<Reason>(reason, 'reason').code });
    return failures;
  }

  schemaVersion(): Promise<number> {
    return this.#dependencies.database.schemaVersion();
  }
}
