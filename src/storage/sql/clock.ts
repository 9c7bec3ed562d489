/**
 * Stores the times of the service's clock. The nodes of a cluster follow the clock of their database, so all of them
 * have the same time, and waiting times never move. A node that starts checks whether the database's clock is
 * plausible. If that clock is corrected, the ages of older rows do not change.
 */

import type { ApiKeys } from '../../domain/ports/api-keys.ts';
import type { StoreOptions } from '../../domain/ports/store.ts';
import { findBootId } from '../../lib/clock.ts';
import type { ClockMemory, ClockStep, StepKind, StoredTime } from '../../lib/clock-memory.ts';
import type { StoreDependencies } from './dependencies.ts';
import type { Sql, Transaction } from './sql.ts';

/**
 * A time of the database's clock is plausible if it differs by less than this from the stored time. Nodes store the
 * time once a minute.
 */
const PLAUSIBLE_MS = 3_600_000;
/** Corrections that nodes report within this time count as one. */
const SAME_STEP_MS = 60_000;
/**
 * Minimum difference from the stored time that counts as a step. The time is stored once a minute, and in a minute
 * clocks drift by less than this.
 */
const STEP_MS = 60_000;

/** Statements that shift waiting times when the clock jumps. */
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

const SELECT_SEEN = 'SELECT seen_at AS now, elapsed, boot FROM clock';
const SELECT_USED = 'SELECT used_at AS now, elapsed, boot FROM clock_used';

/**
 * The time in a transaction. If this process follows the service's clock and does not know about a step yet, the stored
 * time is used, because the step has already moved the waiting times.
 */
export async function timeOf(
  sql: Sql,
  { clock, followedBoot = null }: Pick<StoreOptions, 'clock' | 'followedBoot'>,
): Promise<number> {
  const now = clock.now();
  // nodes of a cluster follow the database's clock, not a service's
  const isFollowed = followedBoot !== null && sql.dialect.name === 'sqlite';
  const used = isFollowed ? await sql.get<StoredTime>(SELECT_USED) : undefined;
  if (used === undefined || used.boot !== followedBoot) return now;
  const stored = Math.floor(used.now + clock.elapsed() - used.elapsed);
  return Math.abs(stored - now) < STEP_MS ? now : stored;
}

interface Stored {
  readonly seen: StoredTime | null;
  readonly used: StoredTime | null;
  readonly steps: readonly ClockStep[];
}

export interface StoredClockDependencies extends StoreDependencies {
  readonly apiKeys: Pick<ApiKeys, 'recordExpired'>;
  /** Whether `options.clock` follows the database's clock, like the clocks of other processes. */
  readonly isShared: boolean;
}

export class StoredClock implements ClockMemory {
  readonly #dependencies: StoredClockDependencies;
  #stored: Stored;
  /** Steps that are not stored yet. */
  readonly #newSteps: { readonly step: ClockStep; readonly isCorrection: boolean }[] = [];
  #writing: Promise<void> = Promise.resolve();
  /** Why the last write failed. */
  #failure: unknown = null;

  private constructor(dependencies: StoredClockDependencies, stored: Stored) {
    this.#dependencies = dependencies;
    this.#stored = stored;
  }

  static async open(dependencies: StoredClockDependencies): Promise<StoredClock> {
    return new StoredClock(dependencies, await readStored(dependencies));
  }

  seen(): StoredTime | null {
    return this.#stored.seen;
  }

  used(): StoredTime | null {
    return this.#stored.used;
  }

  steps(): readonly ClockStep[] {
    const corrections = this.#newSteps.filter(({ isCorrection }) => isCorrection);
    return [...this.#stored.steps, ...corrections.map(({ step }) => step)];
  }

  /** Begins to store the time. Throws the error of the previous write, if any. */
  remember(time: StoredTime, isRight: boolean): void {
    this.#begin(async () => {
      if (isRight) await this.#dependencies.apiKeys.recordExpired(time.now);
      await this.#write(time, isRight);
    });
  }

  /** Begins to store the step. If that fails, it is stored together with the next time. */
  step(step: ClockStep, { isCorrection, time, isRight }: StepKind): void {
    if (this.#dependencies.isShared && !isCorrection) return;
    this.#newSteps.push({ step, isCorrection });
    this.#begin(() => this.#write(time, isRight));
  }

  /** Resolves when all writes have ended, successfully or not. */
  async close(): Promise<void> {
    await this.#writing;
  }

  #begin(write: () => Promise<void>): void {
    const failure = this.#failure;
    this.#failure = null;
    this.#writing = this.#writing.then(write).catch((error) => {
      this.#failure = error;
    });
    if (failure !== null) throw failure;
  }

  async #write(time: StoredTime, isRight: boolean): Promise<void> {
    const { database, isShared } = this.#dependencies;
    const steps = [...this.#newSteps];
    await database.write(
      async (t) => {
        for (const { step, isCorrection } of steps) {
          if (!isShared) for (const sql of WAITING) await t.run(sql, { ...step });
          if (isCorrection) await insertStep(t, step);
        }
        await keepTime(t, isShared ? { now: time.now, elapsed: 0, boot: null } : time, isRight);
      },
      steps.length === 0 ? 'readCommitted' : 'serializable',
    );
    this.#newSteps.splice(0, steps.length);
    this.#stored = await readStored(this.#dependencies);
  }
}

async function readStored({ database, options: { clock }, isShared }: StoredClockDependencies): Promise<Stored> {
  const seen = (await database.get<StoredTime>(SELECT_SEEN)) ?? null;
  const steps = await database.all<ClockStep>('SELECT at, ms FROM clock_steps ORDER BY number');
  if (!isShared) return { seen, used: (await database.get<StoredTime>(SELECT_USED)) ?? null, steps };
  const [now, elapsed] = [clock.now(), clock.elapsed()];
  const isPlausible = seen === null || Math.abs(now - seen.now) < PLAUSIBLE_MS;
  // a plausible time counts as seen by this node, so the node trusts it at once
  return { seen: isPlausible ? { now, elapsed, boot: findBootId() } : seen, used: null, steps };
}

/** Stores a correction, unless another node has stored it. */
async function insertStep(t: Transaction, { at, ms }: ClockStep): Promise<void> {
  await t.run(
    `INSERT INTO clock_steps (at, ms) SELECT CAST(@at AS bigint), CAST(@ms AS bigint) WHERE NOT EXISTS (
       SELECT 1 FROM clock_steps WHERE abs(at - @at) < @same AND abs(ms - @ms) < @same)`,
    { at, ms, same: SAME_STEP_MS },
  );
}

async function keepTime(t: Transaction, { now, elapsed, boot }: StoredTime, isRight: boolean): Promise<void> {
  const time = { now, elapsed, boot };
  await t.run(
    `INSERT INTO clock_used (one, used_at, elapsed, boot) VALUES (1, @now, @elapsed, @boot)
     ON CONFLICT (one) DO UPDATE SET used_at = @now, elapsed = @elapsed, boot = @boot`,
    time,
  );
  if (!isRight) return;
  await t.run(
    `INSERT INTO clock (one, seen_at, elapsed, boot, highest) VALUES (1, @now, @elapsed, @boot, @now)
     ON CONFLICT (one) DO UPDATE SET seen_at = @now, elapsed = @elapsed, boot = @boot,
       highest = ${t.dialect.greater('clock.highest', '@now')}`,
    time,
  );
}
