import { describe, expect, it } from 'vitest';
import { binaryCrossEntropy } from '../../packages/onnx-grad/src/graph/binary-cross-entropy.ts';
import { Builder } from '../../packages/onnx-grad/src/graph/builder.ts';
import { addGradients } from '../../packages/onnx-grad/src/graph/differentiate.ts';
import { numbersOf, tensor } from '../../packages/onnx-grad/src/graph/tensor.ts';
import { writeModel } from '../../packages/onnx-grad/src/onnx/write.ts';
import { runModel } from './onnx-file.ts';

/** Scores and labels: saturated and right, saturated and wrong, at the edge of float32, and in between. */
const ROWS: readonly (readonly [p: number, y: number])[] = [
  [0, 0],
  [0, 1],
  [1, 1],
  [1, 0],
  [1 - 2 ** -24, 1],
  [1 - 2 ** -24, 0],
  [1e-38, 1],
  [1e-38, 0],
  [1e-6, 0],
  [0.3, 0],
  [0.3, 1],
  [0.5, 1],
  [0.9, 0.25],
];

const LEAST_FLOAT32 = 2 ** -126;

/** Values of PyTorch 2.6 for one row, in float64: binary_cross_entropy, its backward and its double backward. */
const loss = (p: number, y: number) => -(y * Math.max(Math.log(p), -100) + (1 - y) * Math.max(Math.log(1 - p), -100));
const slope = (p: number, y: number) => (p - y) / Math.max(p * (1 - p), 1e-12);
const bend = (p: number, y: number) => (p * p - 2 * p * y + y) / ((p + 1e-12) ** 2 * (1 - p + 1e-12) ** 2);

async function orders(rows: readonly (readonly [number, number])[]) {
  const b = new Builder();
  const [p, y] = [b.input('p', 'float32', ['batch']), b.input('y', 'float32', ['batch'])];
  const value = binaryCrossEntropy(b, p, y);
  const first = addGradients(b, b.build('first', [value]), value, [p]).get('p')!;
  const sum = b.add('ReduceSum', [first], { keepdims: 0 });
  const second = addGradients(b, b.build('second', [sum]), sum, [p]).get('p')!;
  const column = (i: 0 | 1) =>
    tensor(
      'float32',
      [rows.length],
      rows.map((row) => row[i]),
    );
  const results = await runModel(writeModel(b.build('bce', [value, first, second])), { p: column(0), y: column(1) });
  return [value, first, second].map(({ name }) => numbersOf(results[name]!));
}

describe('binaryCrossEntropy', () => {
  it("has PyTorch's value, gradient and second derivative, saturated rows included", async () => {
    const rows = ROWS.map(([p, y]): [number, number] => [Math.fround(p), y]);
    const [value, first, second] = await orders(rows);
    const mean = rows.reduce((sum, [p, y]) => sum + loss(p, y), 0) / rows.length;
    expect(Math.abs(value![0]! / mean - 1)).toBeLessThan(1e-6);
    rows.forEach(([p, y], i) => {
      for (const [got, wanted] of [
        [first![i]!, slope(p, y) / rows.length],
        [second![i]!, bend(p, y) / rows.length],
      ] as const) {
        expect(Number.isFinite(got), `row ${p}, ${y}`).toBe(true);
        expect(Math.abs(got - wanted), `row ${p}, ${y}: ${got}, not ${wanted}`).toBeLessThanOrEqual(
          1e-5 * Math.abs(wanted) + LEAST_FLOAT32,
        );
      }
    });
  });

  it('refuses scores and labels that are not one number per row', () => {
    const b = new Builder();
    const p = b.input('p', 'float32', ['batch', 1]);
    expect(() => binaryCrossEntropy(b, p, b.input('y', 'float32', ['batch']))).toThrow(
      'the scores "p" are float32[batch, 1] and the labels "y" are float32[batch], but both must be one number per row',
    );
  });
});
