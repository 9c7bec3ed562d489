/** Implements the clock port with SQLite. */
import type { ClockMemory, ClockStep, StepKind, StoredTime } from '../../domain/ports/clock.ts';
import type { SqliteApiKeys } from './api-keys.ts';
import type { Connection } from './connection.ts';
import { type Database, write } from './database/database.ts';

/** Statements that shift due times when the clock jumps. */
const WAITING = [
  `UPDATE jobs SET queued_at = queued_at + @ms, run_after = run_after + @ms, turn = turn + @ms,
     lease_until = lease_until + @ms`,
  `UPDATE expansions SET created_at = created_at + @ms, updated_at = updated_at + @ms, started_at = started_at + @ms
   WHERE number IN (SELECT expansion FROM jobs)`,
  `UPDATE webhook_deliveries SET created_at = created_at + @ms, next_attempt_at = next_attempt_at + @ms
   WHERE state = 'pending'`,
  'UPDATE webhook_secrets SET expires_at = expires_at + @ms WHERE expires_at > @at',
  'UPDATE idempotency_keys SET created_at = created_at + @ms',
];

/**
 * Minimum difference from the stored time that counts as a step. The time is stored once a minute, and clocks drift by
 * less than this difference in a minute.
 */
const STEP_MS = 60_000;

/**
 * The time in a transaction. If this process follows the service's clock and has not heard of a step yet, the stored
 * time is used, because the step has already moved the waiting times.
 */
export function timeOf({ database, options: { clock, followedBoot = null } }: Connection): number {
  const now = clock.now();
  const used = followedBoot === null ? null : readTime(database, USED);
  if (used === null || used.boot !== followedBoot) return now;
  const stored = Math.floor(used.now + clock.elapsed() - used.elapsed);
  return Math.abs(stored - now) < STEP_MS ? now : stored;
}

const USED = 'SELECT used_at AS now, elapsed, boot FROM clock_used';

function readTime(database: Database, sql: string): StoredTime | null {
  return (database.prepare(sql).get() as StoredTime | undefined) ?? null;
}

export class SqliteClock implements ClockMemory {
  readonly #database: Database;
  readonly #apiKeys: SqliteApiKeys;
  #steps: readonly ClockStep[] | null = null;

  constructor(database: Database, apiKeys: SqliteApiKeys) {
    this.#database = database;
    this.#apiKeys = apiKeys;
  }

  seen(): StoredTime | null {
    return readTime(this.#database, 'SELECT seen_at AS now, elapsed, boot FROM clock');
  }

  used(): StoredTime | null {
    return readTime(this.#database, USED);
  }

  steps(): readonly ClockStep[] {
    this.#steps ??= this.#database.prepare('SELECT at, ms FROM clock_steps ORDER BY number').all() as ClockStep[];
    return this.#steps;
  }

  remember(time: StoredTime, isRight: boolean): void {
    write(this.#database, () => {
      if (isRight) this.#apiKeys.recordExpired(time.now);
      this.#keep(time, isRight);
    });
  }

  step({ at, ms }: ClockStep, { isCorrection, time, isRight }: StepKind): void {
    write(this.#database, () => {
      for (const sql of WAITING) {
        const statement = this.#database.prepare(sql);
        statement.run(sql.includes('@at') ? { at, ms } : { ms });
      }
      this.#keep(time, isRight);
      if (isCorrection) this.#database.prepare('INSERT INTO clock_steps (at, ms) VALUES (@at, @ms)').run({ at, ms });
    });
    this.#steps = null;
  }

  #keep(time: StoredTime, isRight: boolean): void {
    this.#database
      .prepare(
        `INSERT INTO clock_used (one, used_at, elapsed, boot) VALUES (1, @now, @elapsed, @boot)
         ON CONFLICT DO UPDATE SET used_at = @now, elapsed = @elapsed, boot = @boot`,
      )
      .run({ ...time });
    if (!isRight) return;
    this.#database
      .prepare(
        `INSERT INTO clock (one, seen_at, elapsed, boot, highest) VALUES (1, @now, @elapsed, @boot, @now)
         ON CONFLICT DO UPDATE SET seen_at = @now, elapsed = @elapsed, boot = @boot, highest = max(highest, @now)`,
      )
      .run({ ...time });
  }
}
