/** Adam on float32 parameters in WebAssembly memory. The instructions (adam.wat) process four values at a time. */

import { assert, GraphError, OnnxGradError } from '../errors.ts';
import { elementCount, type Tensor, typeText } from '../graph/tensor.ts';
import { openKernels } from '../wasm.ts';
import { ADAM_WASM } from './adam-wasm.ts';
import type { Parameters } from './compaction.ts';

export interface AdamConstants {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
}

/** PyTorch's default hyperparameters for Adam (Kingma & Ba 2015, algorithm 1). */
export const ADAM: AdamConstants = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };

/** The two scalars of step `t`, counted from 1: rate / (1 - beta1^t) and 1 / sqrt(1 - beta2^t). */
export function adamScalars(rate: number, t: number): { stepSize: number; scale2: number } {
  return { stepSize: rate / (1 - ADAM.beta1 ** t), scale2: 1 / Math.sqrt(1 - ADAM.beta2 ** t) };
}

/** Maximum size of a memory shared by several parameters. A larger parameter gets a separate memory. */
const SHARED_BYTES = 2 ** 30;
const PAGE_BYTES = 2 ** 16;
/** The size of the 32-bit address space minus one page, so that no end address wraps around to 0. */
const MAXIMUM_BYTES = 2 ** 32 - PAGE_BYTES;

const SUFFIXES = ['', '.moment1', '.moment2'] as const;

/** The state of the optimiser, from which a run can be resumed. */
export interface AdamState {
  readonly steps: number;
  /** The parameters, and the two moments of each parameter `p` as `<p>.moment1` and `<p>.moment2`. */
  readonly tensors: Parameters;
}

export interface AdamOptions {
  /** The state to resume from. */
  readonly state?: AdamState;
  /** The maximum number of rows in one call of `addRows`, by parameter. Default: 0. */
  readonly rows?: ReadonlyMap<string, number>;
}

/**
 * Dense Adam (Kingma & Ba 2015, algorithm 1) on float32 parameters of any shape:
 * theta <- theta - rate / (1 - beta1^t) * m / (sqrt(v / (1 - beta2^t)) + epsilon), with m and v the new moments.
 */
export class Adam {
  /** The current parameters. A step changes their data in place. */
  readonly parameters: Parameters;
  /**
   * The gradients that the next step applies and then sets to zero, by parameter. Each gradient is as large as its
   * parameter.
   */
  readonly gradients: ReadonlyMap<string, Float32Array>;
  readonly #slots: ReadonlyMap<string, Slot>;
  #steps: number;

  /**
   * Starts from a copy of `start`. A parameter that is not float32 causes a GraphError. A parameter that, with its
   * moments, exceeds one memory (4 GiB) causes a `too_large` error.
   */
  constructor(start: Parameters, { state, rows = new Map() }: AdamOptions = {}) {
    for (const [name, value] of start)
      if (value.dtype !== 'float32')
        throw new GraphError(`the parameter "${name}" is ${typeText(value)}: Adam changes only float32`);
    const needs = [...start].map(([name, value]): Need => ({ name, value, rows: rows.get(name) ?? 0 }));
    this.#slots = new Map(inMemories(needs).flatMap(openMemory));
    this.#steps = state?.steps ?? 0;
    for (const [name, { value, moment1, moment2 }] of this.#slots) {
      for (const [i, into] of [value, moment1, moment2].entries()) {
        const source = state?.tensors.get(`${name}${SUFFIXES[i]}`) ?? (i === 0 ? start.get(name) : undefined);
        if (source) into.set(source.data as Float32Array);
      }
    }
    this.parameters = this.#tensors((slot) => slot.value);
    this.gradients = new Map([...this.#slots].map(([name, { gradient }]) => [name, gradient]));
  }

  get steps(): number {
    return this.#steps;
  }

  /** The buffer for rows of the gradient of `name`, `[rows, width]`. Write the rows before calling `addRows`. */
  incoming(name: string): Float32Array {
    return this.#slots.get(name)!.incoming;
  }

  /** Adds row i of `incoming` to row `places[i]` of the gradient, in ascending order of i. */
  addRows(name: string, places: Int32Array): void {
    const { kernels, gradient, incoming, places: own, width } = this.#slots.get(name)!;
    assert(
      places.length <= own.length,
      `the buffer of ${name} has space for ${own.length} rows, not for ${places.length}`,
    );
    own.set(places);
    kernels.add_rows(gradient.byteOffset, incoming.byteOffset, own.byteOffset, places.length, width);
  }

  /** Takes one step with the current gradients. */
  step(rate: number): void {
    this.#steps += 1;
    const { stepSize, scale2 } = adamScalars(rate, this.#steps);
    for (const { kernels, value, moment1, moment2, gradient } of this.#slots.values()) {
      const addresses = [value, moment1, moment2, gradient].map((view) => view.byteOffset);
      kernels.step(...(addresses as Addresses), padded(value.length), stepSize, scale2);
    }
  }

  /** Returns views of the current state, which are valid until the next step. */
  state(): AdamState {
    const tensors = [
      ...this.parameters,
      ...this.#tensors((slot) => slot.moment1, '.moment1'),
      ...this.#tensors((slot) => slot.moment2, '.moment2'),
    ];
    return { steps: this.#steps, tensors: new Map(tensors) };
  }

  #tensors(of: (slot: Slot) => Float32Array, suffix = ''): Map<string, Tensor> {
    return new Map(
      [...this.#slots].map(([name, slot]): [string, Tensor] => [
        `${name}${suffix}`,
        { dtype: 'float32', shape: slot.shape, data: of(slot) },
      ]),
    );
  }
}

interface Need {
  readonly name: string;
  readonly value: Tensor;
  readonly rows: number;
}

type Addresses = [number, number, number, number];

/** The functions and memory that adam.wat exports. */
interface Kernels {
  configure(beta1: number, rest1: number, beta2: number, rest2: number, epsilon: number): void;
  step(...args: [...Addresses, count: number, stepSize: number, scale2: number]): void;
  add_rows(...args: [...Addresses, width: number]): void;
}

/** Views of the memory of one parameter. */
interface Slot {
  readonly kernels: Kernels;
  readonly shape: Tensor['shape'];
  readonly width: number;
  readonly value: Float32Array;
  readonly moment1: Float32Array;
  readonly moment2: Float32Array;
  readonly gradient: Float32Array;
  readonly incoming: Float32Array;
  readonly places: Int32Array;
}

/** Rounds `count` up to a multiple of four, because each instruction processes four values. */
const padded = (count: number): number => 4 * Math.ceil(count / 4);
const widthOf = ({ value }: Need): number => elementCount(value.shape.slice(1));

function bytesOf(need: Need): number {
  return 4 * (4 * padded(need.value.data.length) + padded(need.rows * widthOf(need)) + padded(need.rows));
}

/** Splits parameters into groups that share a memory. */
function inMemories(needs: readonly Need[]): Need[][] {
  const groups: Need[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const need of needs) {
    const own = bytesOf(need);
    if (own > MAXIMUM_BYTES)
      throw new OnnxGradError(
        'too_large',
        `parameter "${need.name}" needs ${own} bytes with Adam, but at most ${MAXIMUM_BYTES} are available`,
      );
    bytes += own;
    if (bytes > SHARED_BYTES) {
      groups.push([]);
      bytes = own;
    }
    groups.at(-1)!.push(need);
  }
  return groups;
}

function openMemory(needs: readonly Need[]): [string, Slot][] {
  const bytes = needs.reduce((sum, need) => sum + bytesOf(need), 0);
  const { kernels, take } = openKernels<Kernels>(ADAM_WASM, 'adam', bytes);
  kernels.configure(ADAM.beta1, 1 - ADAM.beta1, ADAM.beta2, 1 - ADAM.beta2, ADAM.epsilon);
  return needs.map((need) => {
    const { name, value, rows } = need;
    const [count, width] = [value.data.length, widthOf(need)];
    const [own, moment1, moment2, gradient] = [0, 1, 2, 3].map(() =>
      take(Float32Array, padded(count)).subarray(0, count),
    ) as Views;
    const incoming = take(Float32Array, padded(rows * width)).subarray(0, rows * width);
    const places = take(Int32Array, padded(rows)).subarray(0, rows);
    return [name, { kernels, shape: value.shape, width, value: own, moment1, moment2, gradient, incoming, places }];
  });
}

type Views = [Float32Array, Float32Array, Float32Array, Float32Array];
