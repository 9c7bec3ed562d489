/** Rows as designs: sparse and dense ones have the same products, and the same fits. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Design } from '../../packages/onnx-grad/index.ts';
import { createRng } from '../../src/lib/rng.ts';
import { denseDesign, sparseDesign } from '../../src/training/choices/design-rows.ts';

function sparseOf(lists: readonly (readonly number[])[], width: number): Design {
  const offsets = new Int32Array(lists.length + 1);
  lists.forEach((list, i) => {
    offsets[i + 1] = offsets[i]! + list.length;
  });
  return sparseDesign({ offsets, columns: Int32Array.from(lists.flat()), width });
}

/** The same rows, written out. */
function denseOf(lists: readonly (readonly number[])[], width: number): Design {
  const values = new Float64Array(lists.length * width);
  lists.forEach((list, i) => {
    for (const j of list) values[i * width + j] = 1;
  });
  return denseDesign({ values, width });
}

/** All three products, into dirty memory; what follows the design's own entries must not change. */
function productsOf(design: Design, point: Float64Array, values: Float64Array): number[] {
  const logits = new Float64Array(design.rows).fill(7);
  const transposed = new Float64Array(design.width + 1).fill(7);
  const squares = new Float64Array(design.width + 1).fill(7);
  design.multiply(point, logits);
  design.multiplyTransposed(values, transposed);
  design.multiplyTransposedSquares(values, squares);
  return [...logits, ...transposed, ...squares];
}

describe('denseDesign', () => {
  it('has the products of its matrix', () => {
    const design = denseDesign({ values: Float64Array.of(1, -2, 3, 0, 0.5, 4), width: 3 });
    expect([design.rows, design.width]).toEqual([2, 3]);
    expect(productsOf(design, Float64Array.of(1, 10, 100), Float64Array.of(2, -1))).toEqual([
      ...[1 - 20 + 300, 5 + 400],
      ...[2, -4 - 0.5, 6 - 4, 7],
      ...[2, 8 - 0.25, 18 - 16, 7],
    ]);
  });
});

describe('sparseDesign', () => {
  it('has the same products as the rows written out', () => {
    const row = fc.uniqueArray(fc.integer({ min: 0, max: 5 }), { maxLength: 6 });
    fc.assert(
      fc.property(fc.array(row, { minLength: 1, maxLength: 12 }), fc.string(), (lists, key) => {
        const rng = createRng(key);
        const point = Float64Array.from({ length: 6 }, () => rng.integer(9) - 4);
        const values = Float64Array.from(lists, () => rng.integer(9) - 4);
        const sparse = sparseOf(lists, 6);
        expect([sparse.rows, sparse.width]).toEqual([lists.length, 6]);
        expect(productsOf(sparse, point, values)).toEqual(productsOf(denseOf(lists, 6), point, values));
      }),
    );
  });
});
