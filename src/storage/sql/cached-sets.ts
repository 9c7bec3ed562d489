/**
 * Removes files of deleted user sets from this machine's cache, because the users in them may have been erased. The
 * cache is checked at the start, at each announcement, and at intervals. If the database does not answer for a long
 * time, the files of all sets are removed; they are fetched again when needed.
 */
import { systemClock } from '../../lib/clock.ts';
import { SEED_FOLDER, setOfFile, userSetFile } from '../files/set-file.ts';
import type { CachedSingles } from '../s3/cache.ts';
import { type BlobLimits, DEFAULT_BLOB_LIMITS } from '../s3/limits.ts';
import { existingSets } from './set-rows.ts';
import type { Database } from './sql.ts';

/** The topic announced, with the name of the set, when a set is removed. */
export const REMOVED_SETS = 'removed_sets';

type CheckLimits = Pick<BlobLimits, 'cachedSetCheckMs' | 'cachedSetUncheckedMs'>;

export class CachedSets {
  readonly #database: Database;
  readonly #cached: CachedSingles;
  readonly #limits: CheckLimits;
  readonly #timer: NodeJS.Timeout;
  #checkedAt = systemClock.elapsed();
  #isClosed = false;

  /** Checks the cache once, and then continues to check it. @throws AppError storage_failed, unavailable */
  static async open(
    database: Database,
    cached: CachedSingles,
    limits: CheckLimits = DEFAULT_BLOB_LIMITS,
  ): Promise<CachedSets> {
    const sets = new CachedSets(database, cached, limits);
    try {
      await sets.#check();
      return sets;
    } catch (error) {
      sets.close();
      throw error;
    }
  }

  private constructor(database: Database, cached: CachedSingles, limits: CheckLimits) {
    this.#database = database;
    this.#cached = cached;
    this.#limits = limits;
    database.listen(REMOVED_SETS, async (name) => {
      if (this.#isClosed) return;
      if (name === null) await this.#look();
      else cached.forgetSingle(fileOf(name));
    });
    this.#timer = setInterval(() => void this.#look(), limits.cachedSetCheckMs);
    this.#timer.unref();
  }

  close(): void {
    this.#isClosed = true;
    clearInterval(this.#timer);
  }

  async #look(): Promise<void> {
    try {
      await this.#check();
    } catch {
      if (this.#isClosed || systemClock.elapsed() - this.#checkedAt < this.#limits.cachedSetUncheckedMs) return;
      // if the disk fails too, the next check tries again
      await this.#forgetAll().catch(() => {});
    }
  }

  async #check(): Promise<void> {
    const files = await this.#cached.listSingles();
    const names = files.flatMap((file) => setOfFile(file.slice(SEED_FOLDER.length + 1)) ?? []);
    const existing = names.length === 0 ? [] : await existingSets(this.#database, names);
    const kept = new Set(existing.map(fileOf));
    for (const file of files) if (!kept.has(file)) this.#cached.forgetSingle(file);
    this.#checkedAt = systemClock.elapsed();
  }

  async #forgetAll(): Promise<void> {
    for (const file of await this.#cached.listSingles()) this.#cached.forgetSingle(file);
  }
}

function fileOf(name: string): string {
  return `${SEED_FOLDER}/${userSetFile(name)}`;
}
