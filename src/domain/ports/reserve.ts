/**
 * The port of a store's reserve: disk space that is released when an operation that frees space finds the disk full.
 */
export interface StoreReserve {
  /**
   * The disk space that the reserve occupies; 0 if there is no reserve. Takes microseconds.
   * @throws AppError storage_failed
   */
  sizeBytes(): number;

  /** Whether the reserve was released and has not been created again yet. */
  readonly isGivenUp: boolean;

  /**
   * Releases the reserve. Its disk space is free when the method returns.
   * @throws AppError storage_failed
   */
  giveUp(): void;

  /**
   * Creates a reserve of `bytes` bytes, or completes an unfinished reserve; 0 removes the reserve. A reserve that is
   * released in the meantime stays released.
   * @throws AppError storage_failed if there is not enough space; in that case, there is no reserve
   */
  keep(bytes: number): Promise<void>;

  /**
   * Runs `action`, which frees disk space or is needed to free it. If the disk is full, releases the reserve and runs
   * `action` once more.
   */
  using<T>(action: () => Promise<T>): Promise<T>;
}
