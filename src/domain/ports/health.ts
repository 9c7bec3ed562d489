/** The port of a store's own health: whether it can be written to, what is queued, and the latest failures. */

/** An expansion that failed, or whose last attempt failed and will be retried. It names no user. */
export interface FailedExpansion {
  readonly campaignId: string;
  readonly expansionId: string;
  /** Why it failed: the code of the expansion's `reason`. */
  readonly code: string;
  /** Milliseconds since 1970. */
  readonly at: number;
}

export interface Queue {
  /** Jobs that nobody is working on. */
  readonly depth: number;
  /** How long the oldest of these jobs has waited; 0 if there are none. */
  readonly oldestSeconds: number;
}

/** A store whose files were removed or replaced while it was open: nothing more is written to it. */
export interface LostFiles {
  /** Which file, and what happened to it. */
  readonly what: string;
  /** The file that the whole store was saved to; null until it is saved. */
  readonly savedAs: string | null;
  /** Why it could not be saved yet. */
  readonly failure: string | null;
}

export interface StoreHealth {
  /**
   * Whether the files of the store were removed or replaced; takes microseconds. A store that was opened with `saves`
   * then saves a copy of itself under another name, which takes longer, and tries again at each call until it succeeds.
   */
  lostFiles(): LostFiles | null;

  /**
   * Commits a small row in the same way as any change. Returns `busy` if another process kept writing for the fraction
   * of a second that this method waits.
   * @throws AppError storage_failed if the disk cannot be written to
   */
  probe(): 'written' | 'busy';

  queue(): Queue;

  /** Newest first. */
  lastFailures(limit: number): readonly FailedExpansion[];

  /** The number of the last migration. */
  schemaVersion(): number;
}
