/** Tells caches of rows when another process may have written: asked once in a turn of the event loop. */
import type { Database } from './database.ts';

export class Freshness {
  readonly #readDataVersion;
  #dataVersion = -1;
  /** Whether it was read in this turn of the event loop. */
  #isFresh = false;

  constructor(database: Database) {
    this.#readDataVersion = database.prepare('PRAGMA data_version').pluck();
  }

  /**
   * A number that changes with the commits of other connections. Whoever learned of another process's commit, from an
   * answer of an earlier turn or from that process, asks in a later one.
   */
  version(): number {
    if (this.#isFresh) return this.#dataVersion;
    this.#isFresh = true;
    setImmediate(() => {
      this.#isFresh = false;
    });
    this.#dataVersion = this.#readDataVersion.get() as number;
    return this.#dataVersion;
  }
}
