/** Adds gradients of order 1 and 2 of any outputs to a graph, and compares them with central differences. */
import { expect } from 'vitest';
import type { Builder } from '../../../packages/onnx-grad/src/graph/builder.ts';
import { addGradients } from '../../../packages/onnx-grad/src/graph/differentiate.ts';
import type { Value } from '../../../packages/onnx-grad/src/graph/ir.ts';
import {
  type DataType,
  elementCount,
  numbersOf,
  type Tensor,
  tensor,
} from '../../../packages/onnx-grad/src/graph/tensor.ts';
import type { Session } from '../../../packages/onnx-grad/src/session/session.ts';
import type { Rng } from '../../../src/lib/rng.ts';

/** The values added to a graph; all must be among the outputs of the session. */
export interface Orders {
  /** What the gradients are with respect to: the given values, then the weights. */
  readonly parameters: readonly Value[];
  /**
   * The loss is the sum of weight output^2: both orders depend on the output and on the gradient that its rule gets.
   */
  readonly weights: readonly { readonly weight: Value; readonly output: Value }[];
  readonly loss: Value;
  readonly first: ReadonlyMap<string, Value>;
  /** <v, first>. */
  readonly product: Value;
  readonly second: ReadonlyMap<string, Value>;
}

/**
 * Adds the loss of `outputs` and its gradients with respect to `floats` (inputs of the graph), with the inputs `u<i>`
 * and `v.<parameter>`.
 */
export function addOrders(b: Builder, floats: readonly Value[], outputs: readonly Value[]): Orders {
  const weights = outputs.map((output, i) => ({ weight: b.input(`u${i}`, output.dtype, output.shape), output }));
  const parameters = [...floats, ...weights.map(({ weight }) => weight)];
  const add = (sum: Value, term: Value) => b.add('Add', [sum, term]);
  const loss = weights
    .map(({ weight, output }) => sumOf(b, b.add('Mul', [weight, b.add('Mul', [output, output])])))
    .reduce(add);
  const first = addGradients(b, b.build('order 1', [loss]), loss, parameters);
  const product = parameters
    .map((x) => sumOf(b, b.add('Mul', [b.input(`v.${x.name}`, x.dtype, x.shape), first.get(x.name)!])))
    .reduce(add);
  const second = addGradients(b, b.build('order 2', [product]), product, parameters);
  return { parameters, weights, loss, first, product, second };
}

function sumOf(b: Builder, x: Value): Value {
  const sum = b.add('ReduceSum', [x], { keepdims: 0 });
  return x.dtype === 'float64' ? sum : b.add('Cast', [sum], { to: 'float64' });
}

/** Feeds for what `addOrders` added; `shapes` are those of its outputs. */
export function feedsOf(
  { parameters, weights }: Orders,
  feeds: Readonly<Record<string, Tensor>>,
  shapes: readonly (readonly number[])[],
  rng: Rng,
): Record<string, Tensor> {
  const added: Record<string, Tensor> = {};
  const draw = (dtype: DataType, shape: readonly number[]) =>
    tensor(dtype, shape, drawFloats(dtype, elementCount(shape), rng));
  weights.forEach(({ weight }, i) => {
    added[weight.name] = draw(weight.dtype, shapes[i]!);
  });
  for (const { name, dtype } of parameters) added[`v.${name}`] = draw(dtype, (feeds[name] ?? added[name])!.shape);
  return added;
}

/** Floats of +-[0.25, 2), away from kinks and poles at 0; in float32 multiples of 1/8, which are exact. */
export function drawFloats(dtype: DataType, count: number, rng: Rng): number[] {
  const draw =
    dtype === 'float32'
      ? () => (rng.integer(31) - 15) / 8
      : () => (rng.uniform() < 0.5 ? -1 : 1) * (0.25 + 1.75 * rng.uniform());
  return Array.from({ length: count }, draw);
}

/** Central differences: the derivative is the sum of `weights` times the values at `steps`. */
interface Differences {
  readonly steps: readonly number[];
  readonly weights: readonly number[];
  readonly tolerance: number;
}

const THREE_POINTS: Differences = { steps: [1e-5, -1e-5], weights: [0.5e5, -0.5e5], tolerance: 1e-7 };
/** Exact to order 4, with steps so large that rounding to float32 does not hide the differences. */
const FIVE_POINTS: Differences = {
  steps: [0.0625, -0.0625, 0.125, -0.125],
  weights: [8, -8, -1, 1].map((weight) => weight / (12 * 0.0625)),
  tolerance: 1e-4,
};

/**
 * Compares both orders in `results` (all outputs of `session` on `feeds`) with differences of the loss and of the
 * product.
 */
export async function checkOrders(
  session: Session,
  { parameters, loss, product, first, second }: Orders,
  feeds: Readonly<Record<string, Tensor>>,
  results: Readonly<Record<string, Tensor>>,
): Promise<void> {
  const single = Object.values(feeds).some(({ dtype }) => dtype === 'float32');
  const { steps, weights, tolerance } = single ? FIVE_POINTS : THREE_POINTS;
  for (const parameter of parameters) {
    const around = feeds[parameter.name]!;
    const differences: [number[], number[]] = [[], []];
    for (let i = 0; i < around.data.length; i++) {
      const nearby = await Promise.all(
        steps.map((change) =>
          session.run(
            { ...feeds, [parameter.name]: nudged(around, i, change) },
            { outputs: [loss.name, product.name] },
          ),
        ),
      );
      [loss, product].forEach((value, order) => {
        const slope = nearby.reduce((sum, at, k) => sum + weights[k]! * Number(at[value.name]!.data[0]), 0);
        differences[order]!.push(slope);
      });
    }
    [first, second].forEach((gradients, order) => {
      const what = `gradient of order ${order + 1} of "${parameter.name}"`;
      const got = results[gradients.get(parameter.name)!.name]!;
      expect(got.shape, `shape of the ${what}`).toEqual(around.shape);
      expectClose(numbersOf(got), differences[order]!, tolerance, what);
    });
  }
}

function nudged(source: Tensor, i: number, change: number): Tensor {
  const data = source.data.slice() as Float64Array;
  data[i]! += change;
  return { ...source, data };
}

/** Equal within `tolerance` of the largest wanted element (of 1, if all are smaller). */
export function expectClose(got: readonly number[], wanted: readonly number[], tolerance: number, what: string): void {
  const scale = wanted.reduce((largest, x) => Math.max(largest, Math.abs(x)), 1);
  const far = wanted.findIndex((x, i) => !(Object.is(got[i], x) || Math.abs(got[i]! - x) <= tolerance * scale));
  expect(got.length, `length of the ${what}`).toBe(wanted.length);
  expect(far, `the ${what} at ${far} is ${got[far]}, not ${wanted[far]}`).toBe(-1);
}
