/** Gradients where a derivative has a kink or a pole: as PyTorch's. */
import { describe, expect, test } from 'vitest';
import { Builder } from '../../../packages/onnx-grad/src/graph/builder.ts';
import { addGradients, differentiate } from '../../../packages/onnx-grad/src/graph/differentiate.ts';
import type { Value } from '../../../packages/onnx-grad/src/graph/ir.ts';
import { numbersOf, tensor } from '../../../packages/onnx-grad/src/graph/tensor.ts';
import { writeModel } from '../../../packages/onnx-grad/src/onnx/write.ts';
import { runModel } from '../onnx-file.ts';

/** d sum(f(x, ..)) / dx, .. for vectors. */
async function gradients(f: (b: Builder, xs: readonly Value[]) => Value, ...points: readonly number[][]) {
  const b = new Builder();
  const xs = points.map((point, i) => b.input(`x${i}`, 'float32', [point.length]));
  const loss = b.add('ReduceSum', [f(b, xs)], { keepdims: 0 });
  const names = xs.map((x) => x.name);
  const graph = differentiate(b.build('ties', [loss]), loss.name, names);
  const feeds = Object.fromEntries(points.map((point, i) => [`x${i}`, tensor('float32', [point.length], point)]));
  const results = await runModel(writeModel(graph), feeds);
  return names.map((name) => numbersOf(results[`grad/${name}`]!));
}

type OneOf = (b: Builder, x: Value) => Value;

describe('the gradient at a tie', () => {
  test('is 0 for Relu at 0', async () => {
    expect(await gradients((b, [x]) => b.add('Relu', [x!]), [-1, -0, 0, 1])).toEqual([[0, 0, 0, 1]]);
  });

  test('is shared by the largest inputs of Max', async () => {
    const [x, y, z] = await gradients((b, xs) => b.add('Max', xs), [1, 1, 1, 0], [0, 1, 1, 0], [0, 0, 1, 1]);
    expect([x, y, z]).toEqual([
      [1, 0.5, Math.fround(1 / 3), 0],
      [0, 0.5, Math.fround(1 / 3), 0],
      [0, 0, Math.fround(1 / 3), 1],
    ]);
  });

  test('is shared by all copies of an input that Max broadcasts', async () => {
    expect(await gradients((b, xs) => b.add('Max', xs), [1], [1, 0, 2])).toEqual([[1.5], [0.5, 0, 1]]);
  });

  test('is 0 for Sqrt at 0 if the incoming gradient is 0, as after a clamp, and otherwise infinite', async () => {
    const weighted = (b: Builder, [x, weight]: readonly Value[]) => b.add('Mul', [b.add('Sqrt', [x!]), weight!]);
    const [x] = await gradients(weighted, [0, 0, 4, 4], [0, 1, 0, 1]);
    expect(x).toEqual([0, Number.POSITIVE_INFINITY, 0, 0.25]);
  });

  test('passes at both bounds of Clip', async () => {
    const clip = (b: Builder, [x]: readonly Value[]) => b.add('Clip', [x!, b.scalar(-1, x!), b.scalar(1, x!)]);
    expect(await gradients(clip, [-2, -1, 0, 1, 2])).toEqual([[0, 1, 1, 1, 0]]);
  });

  test('does not come from the side that Where does not select, even if it is infinite there', async () => {
    const safe = (b: Builder, [x]: readonly Value[]) => {
      const positive = b.add('Greater', [x!, b.scalar(0, x!)]);
      const one = b.scalar(1, x!);
      return b.add('Where', [positive, b.add('Log', [b.add('Where', [positive, x!, one])]), one]);
    };
    expect(await gradients(safe, [0, 2])).toEqual([[0, 0.5]]);
  });

  test.each<readonly [string, OneOf, readonly number[], readonly number[]]>([
    ['Abs', (b, x) => b.add('Abs', [x]), [-1, 0, 2], [-1, 0, 1]],
    ['LeakyRelu', (b, x) => b.add('LeakyRelu', [x], { alpha: 0.25 }), [-1, 0, 2], [0.25, 0.25, 1]],
    ['Elu', (b, x) => b.add('Elu', [x], { alpha: 0.5 }), [0, 2], [0.5, 1]],
    ['Selu', (b, x) => b.add('Selu', [x], { alpha: 0.5, gamma: 2 }), [0, 2], [1, 2]],
    ['Softsign', (b, x) => b.add('Softsign', [x]), [0], [1]],
    ['HardSigmoid', (b, x) => b.add('HardSigmoid', [x], { alpha: 0.25 }), [-3, -2, 0, 2, 3], [0, 0, 0.25, 0, 0]],
    ['ReduceMax', (b, x) => b.add('ReduceMax', [x]), [1, 3, 3, 0], [0, 0.5, 0.5, 0]],
    ['ReduceMin', (b, x) => b.add('ReduceMin', [x]), [0, 0, 0, 0], [0.25, 0.25, 0.25, 0.25]],
    ['ReduceL1', (b, x) => b.add('ReduceL1', [x]), [3, 0, -4], [1, 0, -1]],
    ['ReduceL2', (b, x) => b.add('ReduceL2', [x]), [0, 0], [0, 0]],
    ['Round', (b, x) => b.add('Round', [x]), [0.5, 1], [0, 0]],
    ['Sign', (b, x) => b.add('Sign', [x]), [0, 1], [0, 0]],
  ])("is PyTorch's for %s", async (_op, f, point, wanted) => {
    expect(await gradients((b, [x]) => f(b, x!), [...point])).toEqual([wanted]);
  });

  test('is the slope for PRelu at 0, and is 0 for the slope there', async () => {
    const [x, slope] = await gradients((b, xs) => b.add('PRelu', xs), [-1, 0, 2], [0.25]);
    expect([x, slope]).toEqual([[0.25, 0.25, 1], [-1]]);
  });

  test('is shared by the smallest inputs of Min', async () => {
    expect(await gradients((b, xs) => b.add('Min', xs), [1, 1, 0], [0, 1, 1])).toEqual([
      [0, 0.5, 1],
      [1, 0.5, 0],
    ]);
  });

  test("of Pow at base 0 is PyTorch's, for both inputs", async () => {
    const [base, exponent] = await gradients((b, xs) => b.add('Pow', xs), [0, 0, 0, 2, 0, -2], [0, 1, 2, 0, 0.5, 2]);
    expect(base).toEqual([0, 1, 0, 0, Number.POSITIVE_INFINITY, -4]);
    expect(exponent).toEqual([0, 0, 0, Math.fround(Math.log(2)), 0, Number.NaN]);
  });

  test('is finite at order 2 for ReduceL2 at 0, and for Pow at 0^0', async () => {
    const atOrder2 =
      (f: OneOf) =>
      (b: Builder, [x]: readonly Value[]) => {
        const loss = b.add('ReduceSum', [f(b, x!)], { keepdims: 0 });
        return addGradients(b, b.build('order 1', [loss]), loss, [x!]).get(x!.name)!;
      };
    expect(
      await gradients(
        atOrder2((b, x) => b.add('ReduceL2', [x])),
        [0, 0],
      ),
    ).toEqual([[0, 0]]);
    expect(
      await gradients(
        atOrder2((b, x) => b.add('Pow', [x, b.add('Mul', [x, b.scalar(0, x)])])),
        [0],
      ),
    ).toEqual([[0]]);
  });
});
