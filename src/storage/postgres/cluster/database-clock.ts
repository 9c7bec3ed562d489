/** The time of the database, which all processes of a cluster follow, so that their hosts' clocks need not agree. */
import { type Clock, systemClock } from '../../../lib/clock.ts';
import { PostgresDatabase } from '../database/database.ts';

const MEASURE_EVERY_MS = 5_000;

export class DatabaseClock implements Clock {
  readonly #database: PostgresDatabase;
  readonly #timer: NodeJS.Timeout;
  /** The database's time minus this machine's monotonic time. */
  #offset: number;
  #isMeasuring = false;

  /** @throws AppError unavailable, storage_failed */
  static async open(url: string): Promise<DatabaseClock> {
    const database = new PostgresDatabase(url, 1);
    try {
      return new DatabaseClock(database, await measure(database));
    } catch (error) {
      await database.close();
      throw error;
    }
  }

  private constructor(database: PostgresDatabase, offset: number) {
    this.#database = database;
    this.#offset = offset;
    this.#timer = setInterval(() => void this.#follow(), MEASURE_EVERY_MS);
    this.#timer.unref();
  }

  now(): number {
    return Math.floor(this.elapsed() + this.#offset);
  }

  elapsed(): number {
    return systemClock.elapsed();
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#database.close();
  }

  /** While the database does not answer, the time goes on with monotonic time. */
  async #follow(): Promise<void> {
    if (this.#isMeasuring) return;
    this.#isMeasuring = true;
    try {
      this.#offset = await measure(this.#database);
    } catch {
      // the next measurement tries again
    } finally {
      this.#isMeasuring = false;
    }
  }
}

/** The offset at the middle between question and answer, which is off by at most half of the time between them. */
async function measure(database: PostgresDatabase): Promise<number> {
  const asked = systemClock.elapsed();
  const row = await database.get<{ readonly now: number }>(
    'SELECT (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS now',
  );
  return row!.now - (asked + systemClock.elapsed()) / 2;
}
