/** Memory that segments are read into one after another, so that a scan does not allocate each of them. */

/** Sizes are rounded up to this: segments are of nearly equal size. */
const GRAIN_BYTES = 1024 * 1024;

/** Rows that were read into it are valid until the next are. */
export class SegmentMemory {
  #bytes = new Uint8Array(0);

  /** The first `size` bytes, of whatever content; a buffer of its own, so aligned for every typed array. */
  take(size: number): Uint8Array {
    if (size > this.#bytes.length) this.#bytes = new Uint8Array(Math.ceil(size / GRAIN_BYTES) * GRAIN_BYTES);
    return this.#bytes.subarray(0, size);
  }
}
