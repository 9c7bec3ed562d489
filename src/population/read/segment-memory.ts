/** Reusable memory for reading segments one after another, so that a scan need not allocate memory for each segment. */

/** Sizes are rounded up to a multiple of this number, because the sizes of segments differ slightly. */
const GRAIN_BYTES = 1024 * 1024;

/** Memory for one segment. The segment's rows are valid until the next read. */
export class SegmentMemory {
  #bytes = new Uint8Array(0);

  /**
   * Returns `size` bytes with arbitrary content, aligned for every typed array, in a buffer that contains nothing else.
   */
  take(size: number): Uint8Array {
    if (size > this.#bytes.length) this.#bytes = new Uint8Array(Math.ceil(size / GRAIN_BYTES) * GRAIN_BYTES);
    return this.#bytes.subarray(0, size);
  }
}
