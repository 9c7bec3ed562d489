/** Products of vectors with rows and with directions, each in its own WebAssembly memory (products.wat). */
import { openKernels } from '../../../packages/onnx-grad/index.ts';
import { PRODUCTS_WASM } from './products-wasm.ts';
import type { SparseRows } from './sparse-rows.ts';

/** Number of vectors that are multiplied side by side: each entry of the rows is read once for all of these vectors. */
export const LANES = 4;

/** The place of a vector among `of` interleaved vectors: element t is at `of * t + lane`. `of` is 1, 2 or 4. */
export interface Lane {
  readonly lane: number;
  readonly of: number;
}

/** The lanes for `count` vectors, at most `LANES`. */
export function lanesFor(count: number): Lane[] {
  const of = count === 3 ? LANES : count;
  return Array.from({ length: count }, (_, lane) => ({ lane, of }));
}

/** Rows X in a WebAssembly memory, with room for vectors and their products. */
export class RowProducts {
  /** The rows themselves, as views of the memory. */
  readonly rows: SparseRows;
  /**
   * Vectors to be multiplied, which the caller fills in, and their products; `[LANES * width]`, interleaved by lanes.
   */
  readonly input: Float64Array;
  readonly output: Float64Array;
  readonly #kernels: Kernels;

  /** Copies the rows. */
  constructor({ width, starts, columns, values }: SparseRows) {
    const size = LANES * width;
    const bytes = 8 * 2 * size + 4 * (starts.length + columns.length + values.length);
    const { kernels, take } = openKernels<Kernels>(PRODUCTS_WASM, 'products', bytes);
    this.#kernels = kernels;
    this.input = take(Float64Array, size);
    this.output = take(Float64Array, size);
    this.rows = {
      width,
      starts: take(Int32Array, starts.length),
      columns: take(Int32Array, columns.length),
      values: take(Float32Array, values.length),
    };
    this.rows.starts.set(starts);
    this.rows.columns.set(columns);
    this.rows.values.set(values);
  }

  /** Computes output = X' * X * input for the first `of` vectors (1, 2 or 4) in two passes over the rows. */
  multiply(of: number): void {
    const { width, starts, columns, values } = this.rows;
    this.output.fill(0, 0, of * width);
    const multiply = this.#kernels[`add_gram_${of as 1 | 2 | 4}`];
    const addresses = [columns, values, this.input, this.output].map((view) => view.byteOffset);
    multiply(starts.byteOffset, starts.length - 1, ...(addresses as [number, number, number, number]));
  }
}

/** The matrix I + sum of gain * u * u', for directions u that are added one after another. */
export class DirectionProducts {
  /** Size of the vectors to which the matrix is applied. */
  readonly width: number;
  readonly rank: number;
  /** Number of elements from one direction to the next. */
  readonly stride: number;
  /** Directions, `[rank, stride]`. The caller fills each row up to `width`; the rest stays 0. */
  readonly units: Float32Array;
  /** Gain of each direction, `[rank]`, which the caller fills in. */
  readonly gains: Float64Array;
  readonly #kernels: Kernels;
  readonly #vector: Float64Array;
  readonly #along: Float64Array;

  constructor(rank: number, width: number) {
    this.width = width;
    this.rank = rank;
    this.stride = 2 * Math.ceil(width / 2);
    const bytes = 8 * (this.stride + rank) + 4 * rank * this.stride;
    const { kernels, take } = openKernels<Kernels>(PRODUCTS_WASM, 'products', bytes);
    this.#kernels = kernels;
    this.#vector = take(Float64Array, this.stride);
    this.#along = take(Float64Array, rank);
    this.units = take(Float32Array, rank * this.stride);
    this.gains = new Float64Array(rank);
  }

  /** Computes out = the matrix times v; both are `[width]`. */
  apply(v: Float64Array, out: Float64Array): void {
    const { rank, width, stride, units, gains } = this;
    const kernels = this.#kernels;
    const vector = this.#vector.byteOffset;
    const along = this.#along;
    this.#vector.set(v);
    const fours = rank - (rank % 4);
    const unitAt = (i: number) => units.byteOffset + 4 * stride * i;
    for (let i = 0; i < fours; i += 4)
      kernels.project_four(unitAt(i), width, 4 * stride, vector, along.byteOffset + 8 * i);
    for (let i = fours; i < rank; i++) along[i] = kernels.project(unitAt(i), width, vector);
    for (let i = 0; i < rank; i++) along[i]! *= gains[i]!;
    for (let i = 0; i < fours; i += 4)
      kernels.add_four(unitAt(i), stride, 4 * stride, along.byteOffset + 8 * i, vector);
    for (let i = fours; i < rank; i++) kernels.add(unitAt(i), width, along[i]!, vector);
    out.set(this.#vector.subarray(0, width));
  }
}

type AddGram = (starts: number, rows: number, columns: number, values: number, input: number, output: number) => void;

/** The exports of products.wat. */
interface Kernels {
  readonly add_gram_1: AddGram;
  readonly add_gram_2: AddGram;
  readonly add_gram_4: AddGram;
  project(unit: number, width: number, vector: number): number;
  project_four(unit: number, width: number, stride: number, vector: number, along: number): void;
  add(unit: number, width: number, factor: number, vector: number): void;
  add_four(unit: number, width: number, stride: number, factors: number, vector: number): void;
}
