/** The port of a store's own health: whether it can be written, what waits, and what failed last. */

/** An expansion that failed, or whose last attempt did and is made again. It names no user. */
export interface FailedExpansion {
  readonly campaignId: string;
  readonly expansionId: string;
  /** Why, as in the expansion's `reason`. */
  readonly code: string;
  /** Milliseconds since 1970. */
  readonly at: number;
}

export interface Queue {
  /** Jobs that nobody works at. */
  readonly depth: number;
  /** How long the oldest of them has waited; 0 if there is none. */
  readonly oldestSeconds: number;
}

/** A store whose files were removed or replaced while it was open: nothing is written any more. */
export interface LostFiles {
  /** Which file, and how. */
  readonly what: string;
  /** The file that all of it was saved as; null while it was not. */
  readonly savedAs: string | null;
  /** Why it could not be saved yet. */
  readonly failure: string | null;
}

export interface StoreHealth {
  /**
   * Whether the files of the store were removed or replaced; takes microseconds. A store that was opened with `saves`
   * then saves all of itself under another name, which takes longer, and tries it again at each call until it has.
   */
  lostFiles(): LostFiles | null;

  /**
   * Commits a small row, as every change is committed. `busy`: another process was writing all the time that this
   * waited, a fraction of a second.
   * @throws AppError storage_failed: the disk refuses
   */
  probe(): 'written' | 'busy';

  queue(): Queue;

  /** The newest first. */
  lastFailures(limit: number): readonly FailedExpansion[];

  /** The number of the last migration. */
  schemaVersion(): number;
}
