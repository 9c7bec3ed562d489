/** Reusable memory for reading segments one after another, so that a scan does not allocate memory per segment. */

/** Granularity of sizes, which are rounded up because segments have nearly equal sizes. */
const GRAIN_BYTES = 1024 * 1024;

/** Memory for one segment, whose rows are valid until the next read. */
export class SegmentMemory {
  #bytes = new Uint8Array(0);

  /** Returns `size` bytes with arbitrary content, in a separate buffer that is aligned for every typed array. */
  take(size: number): Uint8Array {
    if (size > this.#bytes.length) this.#bytes = new Uint8Array(Math.ceil(size / GRAIN_BYTES) * GRAIN_BYTES);
    return this.#bytes.subarray(0, size);
  }
}
