/** Reusable memory for reading segments one after another, so that a scan does not allocate memory for each. */

/** Sizes are rounded up to a multiple of this, because segments have nearly equal sizes. */
const GRAIN_BYTES = 1024 * 1024;

/** Rows that were read into this memory are valid until the next read. */
export class SegmentMemory {
  #bytes = new Uint8Array(0);

  /** The first `size` bytes, with arbitrary content, in a buffer of its own and so aligned for every typed array. */
  take(size: number): Uint8Array {
    if (size > this.#bytes.length) this.#bytes = new Uint8Array(Math.ceil(size / GRAIN_BYTES) * GRAIN_BYTES);
    return this.#bytes.subarray(0, size);
  }
}
