/**
 * Keeps values in memory that every look-up needs. A value is read again when a commit of any process announces a
 * change. If announcements may be missing, it is read again after half a second. If the database does not answer
 * either, the last value is used for a while.
 */
import { isDeepStrictEqual } from 'node:util';
import { systemClock } from '../../lib/clock.ts';
import { AppError } from '../../lib/errors.ts';
import type { Database } from './sql.ts';

/** How long a value is used before it is read again while announcements may be missing. */
const POLL_MS = 500;
/** How long look-ups that have an older value wait for the database. */
const WAIT_MS = 300;
/** For this long after the database failed to answer, look-ups use an older value without asking again. */
const PAUSE_MS = 1_000;
/** How long look-ups use values in memory while the database does not answer. */
const OUTAGE_MS = 60_000;

interface Entry<Value> {
  readonly value: Value;
  /** When the read of the value began. */
  readonly readAt: number;
  /** Whether a change was announced after that. */
  isOutdated: boolean;
}

export class Remembered<Value> {
  readonly #database: Database;
  readonly #read: (key: string) => Promise<Value>;
  readonly #maximum: number;
  readonly #entries = new Map<string, Entry<Value>>();
  readonly #reading = new Map<string, Promise<Value>>();
  /** Increases with each announced change. A value is outdated if its read began before. */
  #forgotten = 0;
  /** When the database last failed to answer. */
  #failedAt = Number.NEGATIVE_INFINITY;

  /**
   * Keeps at most `maximum` values returned by `read`, but never null. An announcement of the topic outdates the value
   * of its key. If `maximum` is 1, the single value depends on all keys.
   */
  constructor(database: Database, topic: string, maximum: number, read: (key: string) => Promise<Value>) {
    this.#database = database;
    this.#maximum = maximum;
    this.#read = read;
    database.listen(topic, (key) => this.#forget(key));
  }

  /** Returns the value of a key, at once if it is in memory and has not changed. The errors are those of `read`. */
  get(key: string): Value | Promise<Value> {
    // reading this property may deliver announcements
    const { isFresh, staleMs } = this.#database.announcements;
    const entry = this.#entries.get(key);
    if (entry === undefined || entry.isOutdated) return this.#readOnce(key);
    if (isFresh) return entry.value;
    const now = systemClock.elapsed();
    if (now - entry.readAt < POLL_MS) return entry.value;
    // an outage begins when neither announcements nor values arrive any more
    if (staleMs > OUTAGE_MS && now - entry.readAt > OUTAGE_MS) return this.#readOnce(key);
    return now - this.#failedAt < PAUSE_MS ? entry.value : this.#readOrKeep(key, entry.value);
  }

  #forget(key: string | null): void {
    this.#forgotten += 1;
    this.#reading.clear();
    for (const entry of key === null || this.#maximum === 1 ? this.#entries.values() : [this.#entries.get(key)])
      if (entry !== undefined) entry.isOutdated = true;
  }

  /** Concurrent look-ups of a key share one read. */
  #readOnce(key: string): Promise<Value> {
    const running = this.#reading.get(key);
    if (running !== undefined) return running;
    const read = this.#readNow(key).finally(() => {
      if (this.#reading.get(key) === read) this.#reading.delete(key);
    });
    this.#reading.set(key, read);
    return read;
  }

  async #readNow(key: string): Promise<Value> {
    const readAt = systemClock.elapsed();
    const forgotten = this.#forgotten;
    const older = this.#entries.get(key);
    let read: Value;
    try {
      read = await this.#read(key);
    } catch (error) {
      if (older?.isOutdated) this.#entries.delete(key);
      throw error;
    }
    // callers compare objects to find out whether anything has changed
    const value = older !== undefined && isDeepStrictEqual(older.value, read) ? older.value : read;
    if (value === null) this.#entries.delete(key);
    else {
      if (older === undefined && this.#entries.size >= this.#maximum) this.#entries.clear();
      // the value may lack a change that was announced during the read
      this.#entries.set(key, { value, readAt, isOutdated: forgotten !== this.#forgotten });
    }
    return value;
  }

  /** Reads a value again; uses the older one if the database does not answer soon. */
  async #readOrKeep(key: string, older: Value): Promise<Value> {
    const late = Promise.withResolvers<Value>();
    const keep = () => {
      this.#failedAt = systemClock.elapsed();
      return older;
    };
    const timer = setTimeout(() => late.resolve(keep()), WAIT_MS);
    try {
      return await Promise.race([this.#readOnce(key), late.promise]);
    } catch (error) {
      if (error instanceof AppError && ['unavailable', 'storage_failed'].includes(error.code)) return keep();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }
}
