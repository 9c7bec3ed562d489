/** Masks of an attention in initializers become constants; weights with an infinity stay weights. */
import { describe, expect, it } from 'vitest';
import { Builder } from '../../packages/onnx-grad/src/graph/builder.ts';
import type { Graph, Value } from '../../packages/onnx-grad/src/graph/ir.ts';
import { tensor } from '../../packages/onnx-grad/src/graph/tensor.ts';
import { fixMasks } from '../../packages/onnx-grad/src/rewrite/fixed-masks.ts';

const NONE = Number.NEGATIVE_INFINITY;

function withMatrix(numbers: readonly number[], use: (b: Builder, x: Value, m: Value) => Value): Graph {
  const b = new Builder();
  const x = b.input('x', 'float32', ['batch', 2]);
  return b.build('masked', [use(b, x, b.initializer('m', tensor('float32', [2, 2], numbers)))]);
}

describe('fixMasks', () => {
  it('makes a matrix with -inf that is only added a constant', () => {
    const graph = fixMasks(
      withMatrix([0, NONE, 0, 0], (b, x, m) => b.add('Add', [b.add('Unsqueeze', [x, b.ints([1])]), m])),
    );
    expect([[...graph.initializers.keys()], graph.constants.has('m')]).toEqual([[], true]);
  });

  it.each([
    ['one without -inf', [0, -1e9, 0, 0]],
    ['one with NaN', [0, NONE, Number.NaN, 0]],
    ['one with infinity', [0, NONE, Number.POSITIVE_INFINITY, 0]],
  ])('does not change %s', (_, numbers) => {
    const graph = withMatrix(numbers, (b, x, m) => b.add('Add', [b.add('Unsqueeze', [x, b.ints([1])]), m]));
    expect(fixMasks(graph)).toBe(graph);
  });

  it('does not change a weight that is multiplied', () => {
    const graph = withMatrix([0, NONE, 0, 0], (b, x, m) => b.add('MatMul', [x, m]));
    expect(fixMasks(graph)).toBe(graph);
  });
});
