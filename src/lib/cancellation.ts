/**
 * Work that nobody may want any more: a flag in memory that threads share, which whoever does the work looks at now and
 * then.
 */

export class Cancellation {
  /** What goes to another thread, where `new Cancellation(memory)` is the same flag. */
  readonly memory: SharedArrayBuffer;
  readonly #flag: Int32Array;

  constructor(memory = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)) {
    this.memory = memory;
    this.#flag = new Int32Array(memory);
  }

  get isCancelled(): boolean {
    return Atomics.load(this.#flag, 0) === 1;
  }

  cancel(): void {
    Atomics.store(this.#flag, 0, 1);
  }

  /** @throws Error once nobody wants the result */
  check(): void {
    if (this.isCancelled) throw new Error('nobody wants this result any more');
  }
}
