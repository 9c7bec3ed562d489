/** The port of a store's reserve: space that is given up where something that frees space finds the disk full. */
export interface StoreReserve {
  /** Bytes that it has on the disk; 0 while there is none. Takes microseconds. @throws AppError storage_failed */
  sizeBytes(): number;

  /** Whether this store has given it up, and it was not made again. */
  readonly isGivenUp: boolean;

  /** Gives it up: its space is free when this returns. @throws AppError storage_failed */
  giveUp(): void;

  /**
   * Makes one of that size, or goes on with an unfinished one; 0 removes it. One that is given up meanwhile stays so.
   * @throws AppError storage_failed: there is not enough space, and nothing of it is left
   */
  keep(bytes: number): Promise<void>;

  /**
   * Runs `action`, which frees space or is needed to do so; where that finds the disk full the reserve is given up, and
   * it runs once more.
   */
  using<T>(action: () => Promise<T>): Promise<T>;

  /** As `using`, without a turn of the event loop. */
  usingSync<T>(action: () => T): T;
}
