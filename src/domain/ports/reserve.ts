/**
 * The port of a store's reserve: disk space that is released when an operation that frees space finds the disk full.
 */
export interface StoreReserve {
  /**
   * The space that the reserve takes on the disk; 0 if there is no reserve. Takes microseconds.
   * @throws AppError storage_failed
   */
  sizeBytes(): number;

  /** Whether this store has released the reserve and not yet created it again. */
  readonly isGivenUp: boolean;

  /**
   * Releases the reserve: its space is free when this returns.
   * @throws AppError storage_failed
   */
  giveUp(): void;

  /**
   * Creates a reserve of that size, or completes an unfinished one; 0 removes the reserve. If the reserve is released
   * meanwhile, it stays released.
   * @throws AppError storage_failed if there is not enough space; nothing of the reserve is left then
   */
  keep(bytes: number): Promise<void>;

  /**
   * Runs `action`, which frees space or is needed to free some. If the disk is full, releases the reserve and runs
   * `action` once more.
   */
  using<T>(action: () => Promise<T>): Promise<T>;

  /** Like `using`, but synchronous. */
  usingSync<T>(action: () => T): T;
}
