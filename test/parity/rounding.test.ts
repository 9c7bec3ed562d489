/**
 * The bound of rounding.ts where its parts are known: Adam's first step, a sum whose terms cancel, and a sum of terms
 * of one sign.
 */
import { describe, expect, it } from 'vitest';
import { Builder, tensor } from '../../packages/onnx-grad/index.ts';
import { ADAM } from '../../packages/onnx-grad/src/adam/adam.ts';
import { adamChange, roundingBounds } from './rounding.ts';

const RATE = 1e-3;

describe("what Adam makes of a gradient's error", () => {
  it.each([0, 4e-9, 1e-8, 1e-6, 1e-2])('at %d is rate E eps / ((|g| + eps) (|g| + E + eps))', (g) => {
    const [error, epsilon] = [5e-9, ADAM.epsilon];
    const moved = Math.abs(adamChange([g + error], RATE) - adamChange([g], RATE));
    const wanted = (RATE * error * epsilon) / ((g + epsilon) * (g + error + epsilon));
    expect(Math.abs(moved - wanted)).toBeLessThanOrEqual(1e-6 * wanted + 1e-15);
  });
});

/** Scores sigmoid(x w) of rows whose columns are a feature: the gradient of w is a sum over the rows. */
function oneStep(columns: readonly (readonly number[])[], labels: readonly number[]) {
  const [rows, width] = [labels.length, columns.length];
  const b = new Builder();
  const x = b.input('x', 'float32', ['batch', width]);
  const w = b.initializer('w', tensor('float32', [width, 1], new Array<number>(width).fill(0)));
  const score = b.add('Sigmoid', [b.add('Squeeze', [b.add('MatMul', [x, w]), b.ints([1])])]);
  const graph = b.build('logistic', [score]);
  const values = Array.from({ length: rows }, (_, row) => columns.map((column) => column[row]!)).flat();
  const batch = { feeds: { x: tensor('float32', [rows, width], values) }, labels: Float32Array.from(labels) };
  return { graph, parameters: ['w'], batches: [batch], rate: RATE };
}

describe('the bound of an entry', () => {
  // p - y is -1/2 and 1/2 in turn, and its mean over 4 rows is taken: the first feature's terms cancel but for 2^-26,
  // the second's add up
  const adaptation = oneStep(
    [
      [1, 1, 1, 1 + 2 ** -23],
      [1, -1, 1, -1],
    ],
    [1, 0, 1, 0],
  );

  it('is wide when the terms of its gradient cancel, and none is needed when they add up', async () => {
    const entries = await roundingBounds(adaptation, new Map([['w', [1e-6, 1e-6]]]));
    const [first] = entries;
    expect(entries.map(({ at }) => at)).toEqual([0]);
    expect(first!.gradients).toEqual([2 ** -26]);
    // the terms are 1/8 each: more than one rounding of one of them, less than twenty of all four
    expect(first!.errors[0]!).toBeGreaterThan(2 ** -24 / 8);
    expect(first!.errors[0]!).toBeLessThan(2 ** -24 * 20 * 0.5);
    expect(first!.apart).toBeGreaterThan(1e-4);
    expect(first!.apart).toBeLessThanOrEqual(4 * RATE);
  });

  it('is not looked for when more is allowed than Adam can make of it', async () => {
    expect(await roundingBounds(adaptation, new Map([['w', [5e-3, 5e-3]]]))).toEqual([]);
  });
});
