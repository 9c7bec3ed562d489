/**
 * Cancels work that is no longer wanted: a flag in shared memory, which the worker checks now and then.
 */

export class Cancellation {
  /** Passed to another thread, where `new Cancellation(memory)` is the same flag. */
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
    if (this.isCancelled) throw new Error('this result is no longer wanted');
  }
}
