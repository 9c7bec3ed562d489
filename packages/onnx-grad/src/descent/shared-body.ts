/**
 * Divides the body's runs between the threads that need the same boundary. Each block of rows is computed once, by
 * whichever thread takes it first, and written to memory that the threads share. The values do not depend on which
 * thread computes them.
 */
import { BYTES_PER_ELEMENT, dataIn, elementCount, type Tensor, type TensorType } from '../graph/tensor.ts';

/** Memory that can be sent to other threads. */
export interface SharedBody {
  /** As int32: the next block to take, the number of finished blocks, and 1 if a thread has failed. */
  readonly control: SharedArrayBuffer;
  /** The values of all rows, one tensor after another. */
  readonly data: SharedArrayBuffer;
}

const [NEXT, DONE, FAILED] = [0, 1, 2];
/** A thread that waits longer than this for another thread's blocks computes all blocks itself. */
const WAIT_MS = 2_000;
const ALIGNED_BYTES = 8;

/** Creates memory for one boundary of at most `maximumBytes` bytes. The memory grows only as needed. */
export function newSharedBody(maximumBytes: number): SharedBody {
  return {
    control: new SharedArrayBuffer(3 * Int32Array.BYTES_PER_ELEMENT),
    data: new SharedArrayBuffer(0, { maxByteLength: maximumBytes }),
  };
}

/** Resets the memory for another boundary. No thread may be using the memory. */
export function emptied(body: SharedBody): SharedBody {
  new Int32Array(body.control).fill(0);
  return body;
}

/** One thread's view of the shared memory. */
export class BodyBlocks {
  /** The values of all rows by name, in shared memory. */
  readonly values: Record<string, Tensor>;
  readonly #control: Int32Array;
  readonly #blocks: number;

  private constructor(values: Record<string, Tensor>, control: Int32Array, blocks: number) {
    this.values = values;
    this.#control = control;
    this.#blocks = blocks;
  }

  /**
   * Opens the memory for `blocks` blocks of tensors with these types, whose first axis is `rows` and whose other sizes
   * are numbers. Returns null if the memory is too small. All threads must pass the same arguments.
   */
  static open(
    { control, data }: SharedBody,
    blocks: number,
    rows: number,
    types: ReadonlyMap<string, TensorType>,
  ): BodyBlocks | null {
    const starts: number[] = [];
    const whole = [...types].map(([name, { dtype, shape }]) => ({
      name,
      dtype,
      shape: [rows, ...shape.slice(1).map(Number)],
    }));
    let bytes = 0;
    for (const { dtype, shape } of whole) {
      starts.push(bytes);
      bytes += Math.ceil((elementCount(shape) * BYTES_PER_ELEMENT[dtype]) / ALIGNED_BYTES) * ALIGNED_BYTES;
    }
    if (bytes > data.maxByteLength) return null;
    if (data.byteLength < bytes) data.grow(bytes);
    const values = whole.map(({ name, dtype, shape }, i): [string, Tensor] => [
      name,
      { dtype, shape, data: dataIn(data, dtype, starts[i]!, elementCount(shape)) },
    ]);
    return new BodyBlocks(Object.fromEntries(values), new Int32Array(control), blocks);
  }

  /**
   * Takes a block that no thread has taken, and returns its number; null if no block is left. The caller must then call
   * `finish` or `fail`.
   */
  take(): number | null {
    const block = Atomics.add(this.#control, NEXT, 1);
    return block < this.#blocks ? block : null;
  }

  finish(): void {
    Atomics.add(this.#control, DONE, 1);
    Atomics.notify(this.#control, DONE);
  }

  /** Makes waiting threads compute all blocks themselves. */
  fail(): void {
    Atomics.store(this.#control, FAILED, 1);
    Atomics.notify(this.#control, DONE);
  }

  /** Waits until all blocks are finished. Returns false if a thread fails or takes too long. */
  async wait(): Promise<boolean> {
    for (;;) {
      const done = Atomics.load(this.#control, DONE);
      if (done === this.#blocks) return true;
      if (Atomics.load(this.#control, FAILED) === 1) return false;
      if ((await Atomics.waitAsync(this.#control, DONE, done, WAIT_MS).value) === 'timed-out') return false;
    }
  }
}
