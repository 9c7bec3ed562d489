/** Cancels work that is no longer wanted, by a flag in shared memory that the worker checks now and then. */

export class Cancellation {
  /** The shared memory of the flag. In another thread, `new Cancellation(memory)` has the same flag. */
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

  /** @throws Error once the work is cancelled */
  check(): void {
    if (this.isCancelled) throw new Error('the result is no longer wanted');
  }
}
