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

export interface StoreHealth {
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
