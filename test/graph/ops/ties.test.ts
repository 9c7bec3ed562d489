/** Gradients where a derivative has a kink or a pole: as PyTorch's. */
import { describe, expect, test } from 'vitest';
import { Builder } from '../../../src/graph/builder.ts';
import { differentiate } from '../../../src/graph/differentiate.ts';
import { numbersOf, tensor, type Value } from '../../../src/graph/ir.ts';
import { writeModel } from '../../../src/graph/write.ts';
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

describe('the gradient at a tie', () => {
  test('is 0 for Relu at 0', async () => {
    expect(await gradients((b, [x]) => b.add('Relu', [x!]), [-1, -0, 0, 1])).toEqual([[0, 0, 0, 1]]);
  });

  test('is shared by the largest of Max', async () => {
    const [x, y, z] = await gradients((b, xs) => b.add('Max', xs), [1, 1, 1, 0], [0, 1, 1, 0], [0, 0, 1, 1]);
    expect([x, y, z]).toEqual([
      [1, 0.5, Math.fround(1 / 3), 0],
      [0, 0.5, Math.fround(1 / 3), 0],
      [0, 0, Math.fround(1 / 3), 1],
    ]);
  });

  test('is shared by all the repeats of one that Max broadcasts', async () => {
    expect(await gradients((b, xs) => b.add('Max', xs), [1], [1, 0, 2])).toEqual([[1.5], [0.5, 0, 1]]);
  });

  test('passes at both bounds of Clip', async () => {
    const clip = (b: Builder, [x]: readonly Value[]) => b.add('Clip', [x!, b.scalar(-1, x!), b.scalar(1, x!)]);
    expect(await gradients(clip, [-2, -1, 0, 1, 2])).toEqual([[0, 1, 1, 1, 0]]);
  });

  test('does not come from the side that Where leaves out, even if it is infinite there', async () => {
    const safe = (b: Builder, [x]: readonly Value[]) => {
      const positive = b.add('Greater', [x!, b.scalar(0, x!)]);
      const one = b.scalar(1, x!);
      return b.add('Where', [positive, b.add('Log', [b.add('Where', [positive, x!, one])]), one]);
    };
    expect(await gradients(safe, [0, 2])).toEqual([[0, 0.5]]);
  });
});
