/** Selects rows of feeds that have the batch as their first axis. */
import { elementCount, type Tensor } from '../graph/tensor.ts';
import type { Feeds } from './session.ts';

type Numbers = Float32Array | Int32Array | BigInt64Array | Uint8Array | Float64Array;

function emptyLike(data: Numbers, length: number): Numbers {
  return new (data.constructor as new (length: number) => Numbers)(length);
}

/**
 * Returns copies of the given rows, in the given order. If `into`, an earlier result for the same feeds, has the same
 * number of rows, the copies are written to its memory.
 */
export function takeFeeds(feeds: Feeds, rows: Int32Array, into: Feeds = {}): Feeds {
  const out: Record<string, Tensor> = {};
  for (const [name, { dtype, shape, data }] of Object.entries(feeds)) {
    const width = elementCount(shape.slice(1));
    const length = rows.length * width;
    const taken = into[name]?.data.length === length ? into[name].data : emptyLike(data, length);
    if (data instanceof Float32Array) takeFloats(data, rows, width, taken as Float32Array);
    else takeRows(data, rows, width, taken);
    out[name] = { dtype, shape: [rows.length, ...shape.slice(1)], data: taken };
  }
  return out;
}

// rows are copied in a loop, because creating a view of a few elements takes longer than copying them
function takeRows(data: Numbers, rows: Int32Array, width: number, out: Numbers): void {
  for (let i = 0, to = 0; i < rows.length; i++)
    for (let from = rows[i]! * width, end = from + width; from < end; ) out[to++] = data[from++] as never;
}

/** Like `takeRows`, but faster, because the code is compiled for a single type of array. */
function takeFloats(data: Float32Array, rows: Int32Array, width: number, out: Float32Array): void {
  for (let i = 0, to = 0; i < rows.length; i++)
    for (let from = rows[i]! * width, end = from + width; from < end; ) out[to++] = data[from++]!;
}

/** Returns rows `from` to `to - 1` as views. */
export function sliceFeeds(feeds: Feeds, from: number, to: number): Feeds {
  const out: Record<string, Tensor> = {};
  for (const [name, { dtype, shape, data }] of Object.entries(feeds)) {
    const width = elementCount(shape.slice(1));
    out[name] = { dtype, shape: [to - from, ...shape.slice(1)], data: data.subarray(from * width, to * width) };
  }
  return out;
}

/** Copies `part` into `all[name]`, starting at row `from`. The first call allocates `all[name]` with `rows` rows. */
export function putFeed(all: Record<string, Tensor>, name: string, part: Tensor, from: number, rows: number): void {
  const width = elementCount(part.shape.slice(1));
  const { dtype, shape, data } = part;
  const whole = all[name] ?? { dtype, shape: [rows, ...shape.slice(1)], data: emptyLike(data, rows * width) };
  all[name] = whole;
  whole.data.set(data as never, from * width);
}

/** Returns `value`, or a copy if `value` is in shared memory, because ONNX Runtime does not accept shared memory. */
export function inOwnMemory(value: Tensor): Tensor {
  return value.data.buffer instanceof SharedArrayBuffer ? { ...value, data: value.data.slice() } : value;
}
