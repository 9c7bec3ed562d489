/** Sizes that can never fit, compared with a search through all small sizes. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Dim, Shape } from '../../../packages/onnx-grad/src/graph/tensor.ts';
import { neverDivides, neverEqual } from '../../../packages/onnx-grad/src/ops/dims.ts';

const MOST_DIMS = 3;
const LARGEST = 4;
const NAMES = ['m', 'n'] as const;

/** Each name occurs at most once: that `[m, m]` is never 2 is not detected. */
const shape: fc.Arbitrary<Shape> = fc
  .array(fc.oneof(fc.nat({ max: LARGEST }), fc.constantFrom(...NAMES)), { maxLength: MOST_DIMS })
  .filter((dims) => NAMES.every((name) => dims.indexOf(name) === dims.lastIndexOf(name)));

/**
 * Whether `fits` is true of the numbers of elements of `a` and `b` for any sizes up to the largest number of elements.
 */
function isPossible(a: Shape, b: Shape, fits: (from: number, to: number) => boolean): boolean {
  for (let m = 0; m <= LARGEST ** MOST_DIMS; m++)
    for (let n = 0; n <= LARGEST ** MOST_DIMS; n++) {
      const sizeOf = (dim: Dim) => (typeof dim === 'number' ? dim : dim === 'm' ? m : n);
      const count = (dims: Shape) => dims.reduce<number>((product, dim) => product * sizeOf(dim), 1);
      if (fits(count(a), count(b))) return true;
    }
  return false;
}

describe('sizes with names', () => {
  test('are refused exactly if no sizes give two shapes the same number of elements', () => {
    fc.assert(
      fc.property(shape, shape, (a, b) => {
        expect(neverEqual(a, b)).toBe(!isPossible(a, b, (from, to) => from === to));
      }),
      { numRuns: 300 },
    );
  });

  test('are refused exactly if no sizes give a whole number for -1', () => {
    fc.assert(
      fc.property(shape, shape, (a, b) => {
        expect(neverDivides(a, b)).toBe(!isPossible(a, b, (from, to) => to !== 0 && from % to === 0));
      }),
      { numRuns: 300 },
    );
  });
});
