/**
 * The clock memory of a cluster, whose nodes all follow the database's clock. There is one time, so waiting times never
 * move, and what a node remembers serves two purposes only: a node that starts learns whether the database's clock is
 * plausible, and corrections of that clock do not age what was made before.
 */
import type { ClockMemory, ClockStep, StepKind, StoredTime } from '../../../domain/ports/clock.ts';
import { findBootId } from '../../../lib/clock.ts';
import type { Connection } from '../connection.ts';
import type { Database, Sql } from '../database/database.ts';

/** Times that differ by less are plausible: nodes store the time once a minute. */
const PLAUSIBLE_MS = 3_600_000;
/** Corrections that nodes report at nearly the same time are one correction. */
const SAME_STEP_MS = 60_000;

export class PostgresClock implements ClockMemory {
  readonly #connection: Connection;
  readonly #seen: StoredTime | null;
  #steps: readonly ClockStep[];
  #writing: Promise<void> = Promise.resolve();
  /** Why the last write failed. */
  #failure: unknown = null;

  private constructor(connection: Connection, seen: StoredTime | null, steps: readonly ClockStep[]) {
    this.#connection = connection;
    this.#seen = seen;
    this.#steps = steps;
  }

  /** Reads the memory. `options.clock` must follow the database's clock. */
  static async open(connection: Connection): Promise<PostgresClock> {
    const { database, options } = connection;
    const stored = await database.get<{ readonly now: number }>('SELECT seen_at AS now FROM clock');
    const [now, elapsed] = [options.clock.now(), options.clock.elapsed()];
    const isPlausible = stored === undefined || Math.abs(now - stored.now) < PLAUSIBLE_MS;
    // a plausible time counts as seen by this node, which therefore trusts it at once
    const seen = isPlausible ? { now, elapsed, boot: findBootId() } : { now: stored.now, elapsed: 0, boot: null };
    return new PostgresClock(connection, seen, await readSteps(database));
  }

  seen(): StoredTime | null {
    return this.#seen;
  }

  /** Nothing waits by another time than the database's. */
  used(): StoredTime | null {
    return null;
  }

  steps(): readonly ClockStep[] {
    return this.#steps;
  }

  /** Begins to store the time; an error of the previous write is thrown. */
  remember({ now }: StoredTime, isRight: boolean): void {
    this.#write(async (database) => {
      await database.run(
        `INSERT INTO clock_used (one, used_at, elapsed) VALUES (1, @now, 0) ON CONFLICT (one) DO UPDATE SET used_at = @now`,
        { now },
      );
      if (isRight)
        await database.run(
          `INSERT INTO clock (one, seen_at, elapsed, highest) VALUES (1, @now, 0, @now)
           ON CONFLICT (one) DO UPDATE SET seen_at = @now, highest = greatest(clock.highest, @now)`,
          { now },
        );
    });
  }

  /** Begins to record a correction, unless another node has recorded it; an error of the previous write is thrown. */
  step({ at, ms }: ClockStep, { isCorrection }: StepKind): void {
    if (!isCorrection) return;
    this.#steps = [...this.#steps, { at, ms }];
    this.#write((database) =>
      database.write(async (transaction) => {
        await transaction.run(
          `INSERT INTO clock_steps (at, ms) SELECT @at::bigint, @ms::bigint WHERE NOT EXISTS (
             SELECT 1 FROM clock_steps WHERE abs(at - @at) < @same AND abs(ms - @ms) < @same)`,
          { at, ms, same: SAME_STEP_MS },
        );
      }),
    );
  }

  /** Resolves when everything is stored, or has failed to be. */
  async close(): Promise<void> {
    await this.#writing;
  }

  #write(work: (database: Database) => Promise<unknown>): void {
    const { database } = this.#connection;
    const failure = this.#failure;
    this.#failure = null;
    this.#writing = this.#writing
      .then(() => work(database))
      .then(() => readSteps(database))
      .then(
        (steps) => {
          this.#steps = steps;
        },
        (error) => {
          this.#failure = error;
        },
      );
    if (failure !== null) throw failure;
  }
}

async function readSteps(sql: Sql): Promise<readonly ClockStep[]> {
  return sql.all<ClockStep>('SELECT at, ms FROM clock_steps ORDER BY number');
}
