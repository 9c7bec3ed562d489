/**
 * Buffers of the size of a part for files that are being written. A process keeps them: for each file, new memory would
 * cost more processor time than what is written into it.
 */
export class SpoolMemory {
  readonly partBytes: number;
  readonly #free: Uint8Array[] = [];
  /** Number of buffers that may still be made. */
  #unmade: number;

  constructor(partBytes: number, most: number) {
    this.partBytes = partBytes;
    this.#unmade = most;
  }

  /** A buffer that nobody else uses; null if all are in use. */
  take(): Uint8Array | null {
    const free = this.#free.pop();
    if (free !== undefined) return free;
    if (this.#unmade === 0) return null;
    this.#unmade -= 1;
    return new Uint8Array(this.partBytes);
  }

  giveBack(buffers: readonly Uint8Array[]): void {
    this.#free.push(...buffers);
  }
}
