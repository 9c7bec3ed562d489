/**
 * Data that requests read from memory. It is loaded again after announcements of its topic and, while announcements may
 * be missing, five times a second. So it shows what others committed within a second, as long as the database answers.
 */
import { setTimeout } from 'node:timers/promises';
import { systemClock } from '../../../lib/clock.ts';
import { AppError } from '../../../lib/errors.ts';
import type { Database } from './database.ts';

/** Announcements may be missing if the last pulses of their connection have not come back. */
const SILENT_MS = 600;
const LOOK_MS = 200;
/** A load that takes longer is not waited for, because its connection may be lost. */
const LOAD_MS = 2_000;
/** How long a reader waits for data that is being loaded again, and does not wait after the database did not answer. */
const WAIT_MS = 300;
const PAUSE_MS = 1_000;
/** How long the data is served without an answer of the database. */
const MAXIMUM_STALE_MS = 60_000;

export class Snapshot<T> {
  readonly #database: Pick<Database, 'announcements' | 'listen'>;
  readonly #load: () => Promise<T>;
  #value: { readonly of: T; readonly loadedAt: number } | null = null;
  #first: Promise<void> | null = null;
  /** Counts announcements, including those of this process. */
  #changes = 0;
  /** While the data is loaded again: until when the data in memory is known to be complete. */
  #renewal: { readonly completeUntil: number; readonly done: Promise<void> } | null = null;
  /** When a reader last waited in vain. */
  #failedAt = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | null = null;
  #isClosed = false;

  /** `load` reads all of the data; it is first called when the data is first needed. */
  constructor(database: Pick<Database, 'announcements' | 'listen'>, topic: string, load: () => Promise<T>) {
    this.#database = database;
    this.#load = load;
    database.listen(topic, () => {
      this.#changes += 1;
      this.#renew();
    });
  }

  /**
   * The data. While it is loaded again, this waits for a moment.
   * @throws AppError unavailable, storage_failed if it cannot be loaded, or could not be renewed for a minute
   */
  async get(): Promise<T> {
    if (this.#value === null) await this.#loadFirst();
    if (this.#renewal !== null) await this.#waitFor(this.#renewal.done);
    if (this.#staleMs() > MAXIMUM_STALE_MS)
      throw new AppError('unavailable', 'the database has not answered for more than a minute');
    return this.#value!.of;
  }

  /**
   * Makes a change of this process visible at once, after the commit of the transaction that made and announced it. A
   * load that began before does not hide the change.
   */
  change(change: (value: T) => T): void {
    if (this.#value !== null) this.#value = { ...this.#value, of: change(this.#value.of) };
  }

  /** Ends all loading. */
  close(): void {
    this.#isClosed = true;
    if (this.#timer !== null) clearInterval(this.#timer);
  }

  #staleMs(): number {
    if (this.#renewal !== null) return systemClock.elapsed() - this.#renewal.completeUntil;
    return Math.min(systemClock.elapsed() - this.#value!.loadedAt, this.#database.announcements.staleMs);
  }

  async #loadFirst(): Promise<void> {
    const changes = this.#changes;
    this.#first ??= this.#loadOnce().finally(() => {
      this.#first = null;
    });
    await this.#first;
    if (changes !== this.#changes) this.#renew();
    if (this.#isClosed) return;
    this.#timer ??= setInterval(() => {
      if (this.#database.announcements.staleMs > SILENT_MS) this.#renew();
    }, LOOK_MS).unref();
  }

  /** Begins to load the data until it has been loaded after the last announcement. */
  #renew(): void {
    if (this.#value === null || this.#renewal !== null || this.#isClosed) return;
    this.#renewal = { completeUntil: systemClock.elapsed() - this.#staleMs(), done: this.#loadUntilComplete() };
  }

  /** Waits for a moment, but not if others have just waited in vain. */
  async #waitFor(renewal: Promise<void>): Promise<void> {
    if (systemClock.elapsed() - this.#failedAt < PAUSE_MS) return;
    const late = new AbortController();
    const limit = setTimeout(WAIT_MS, 'late', { ref: false, signal: late.signal }).catch(() => null);
    if ((await Promise.race([renewal, limit])) === 'late') this.#failedAt = systemClock.elapsed();
    late.abort();
  }

  async #loadUntilComplete(): Promise<void> {
    for (let changes = -1; changes !== this.#changes && !this.#isClosed; ) {
      const before = this.#changes;
      try {
        await Promise.race([this.#loadOnce(), tooLong()]);
        changes = before;
      } catch {
        await setTimeout(LOOK_MS, undefined, { ref: false });
      }
    }
    this.#renewal = null;
  }

  async #loadOnce(): Promise<void> {
    const [loadedAt, changes] = [systemClock.elapsed(), this.#changes];
    const value = await this.#load();
    // data that was read before an announced change must not hide that change
    const isOld = changes !== this.#changes || loadedAt < (this.#value?.loadedAt ?? Number.NEGATIVE_INFINITY);
    if (this.#value === null || !isOld) this.#value = { of: value, loadedAt };
  }
}

async function tooLong(): Promise<never> {
  await setTimeout(LOAD_MS, undefined, { ref: false });
  throw new Error('the database does not answer');
}
