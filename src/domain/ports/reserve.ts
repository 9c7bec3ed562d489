/**
 * The port of a store's reserve: disk space that is given up when an operation that frees space finds the disk full.
 */
export interface StoreReserve {
  /** The bytes that it takes on the disk; 0 while there is none. Takes microseconds. @throws AppError storage_failed */
  sizeBytes(): number;

  /** Whether this store has given it up and not yet made it again. */
  readonly isGivenUp: boolean;

  /** Gives it up: its space is free when this returns. @throws AppError storage_failed */
  giveUp(): void;

  /**
   * Makes one of that size, or goes on with an unfinished one; 0 removes it. One that is given up meanwhile stays so.
   * @throws AppError storage_failed: there is not enough space, and nothing of it is left
   */
  keep(bytes: number): Promise<void>;

  /**
   * Runs `action`, which frees space or is needed to free some; if it finds the disk full, the reserve is given up and
   * it runs once more.
   */
  using<T>(action: () => Promise<T>): Promise<T>;

  /** As `using`, without a turn of the event loop. */
  usingSync<T>(action: () => T): T;
}
