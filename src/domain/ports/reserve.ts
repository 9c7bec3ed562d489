/**
 * The port of a store's reserve: disk space that is released when an operation that frees space finds the disk full.
 */
export interface StoreReserve {
  /**
   * The space that it takes on the disk; 0 if there is none. Takes microseconds.
   * @throws AppError storage_failed
   */
  sizeBytes(): number;

  /** Whether this store has released it and not yet created it again. */
  readonly isGivenUp: boolean;

  /**
   * Releases it: its space is free when this returns.
   * @throws AppError storage_failed
   */
  giveUp(): void;

  /**
   * Creates a reserve of that size, or completes an unfinished one; 0 removes it. If it is released meanwhile, it stays
   * released.
   * @throws AppError storage_failed: there is not enough space, and nothing of it is left
   */
  keep(bytes: number): Promise<void>;

  /**
   * Runs `action`, which frees space or is needed to free some. If the disk is full, releases the reserve and runs it
   * once more.
   */
  using<T>(action: () => Promise<T>): Promise<T>;

  /** Like `using`, but synchronous. */
  usingSync<T>(action: () => T): T;
}
