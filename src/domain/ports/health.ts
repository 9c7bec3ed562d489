/**
 * The port of a store's health: whether the store can be written to, how many jobs are queued, and the latest failures.
 */

/** An expansion that failed, or whose last attempt failed and will be retried. This record names no user. */
export interface FailedExpansion {
  readonly campaignId: string;
  readonly expansionId: string;
  /** Why the expansion failed: the code of its `reason`. */
  readonly code: string;
  /** The time in milliseconds since 1970. */
  readonly at: number;
}

export interface Queue {
  /** Number of jobs that no engine is working on. */
  readonly depth: number;
  /** How long the oldest waiting job has waited; 0 if there are no waiting jobs. */
  readonly oldestSeconds: number;
}

/** A store whose files were removed or replaced while the store was open. Nothing more is written to such a store. */
export interface LostFiles {
  /** The path of the lost file, and how the file was lost. */
  readonly what: string;
  /** The file that the whole store was saved to; null until the store is saved. */
  readonly savedAs: string | null;
  /** Why the store could not be saved yet. */
  readonly failure: string | null;
}

export interface StoreHealth {
  /**
   * Whether the files of the store were removed or replaced. The check takes microseconds while all files are in place.
   * After a loss, a store that was opened with `saves` also saves a copy of itself under another name, which takes
   * longer. Each later call tries again until the copy is saved.
   */
  lostFiles(): LostFiles | null;

  /**
   * Tests the store by committing a small row like any other change. Waits a fraction of a second if another process is
   * writing, then returns `busy` if that process is still writing.
   * @throws AppError storage_failed if the disk cannot be written to
   */
  probe(): Promise<'written' | 'busy'>;

  queue(): Promise<Queue>;

  /** The latest failures, newest first. */
  lastFailures(limit: number): Promise<readonly FailedExpansion[]>;

  /** The number of the last migration. */
  schemaVersion(): Promise<number>;
}
