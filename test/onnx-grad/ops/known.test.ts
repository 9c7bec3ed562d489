/** Sizes and pads that exporters compute with nodes are tracked, so that shapes stay known. */
import { describe, expect, test } from 'vitest';
import { Builder } from '../../../packages/onnx-grad/src/graph/builder.ts';

describe('known elements', () => {
  test('are tracked through the nodes that PyTorch writes for a pad', () => {
    const b = new Builder();
    const x = b.input('x', 'float32', ['batch', 4, 3]);
    // in PyTorch's order of pads: from the last axis, before and after together
    const given = b.ints([1, 2, 0, 1]);
    const missing = b.add('Sub', [
      b.add('Mul', [b.add('Size', [b.add('Shape', [x])]), b.scalar(2, 'int64')]),
      b.add('Size', [given]),
    ]);
    const zeros = b.add('ConstantOfShape', [b.add('Unsqueeze', [missing, b.ints([0])])], { value: 0, dtype: 'int64' });
    const pairs = b.add('Reshape', [b.add('Concat', [given, zeros], { axis: 0 }), b.ints([-1, 2])]);
    const reversed = b.add('Slice', [pairs, b.ints([-1]), b.ints([-(2 ** 63)]), b.ints([0]), b.ints([-1])]);
    const pads = b.add('Reshape', [b.add('Transpose', [reversed], { perm: [1, 0] }), b.ints([-1])]);
    expect(pads.known).toEqual([0, 0, 1, 0, 1, 2]);
    expect(b.add('Pad', [x, b.add('Cast', [pads], { to: 'int64' })]).shape).toEqual(['batch', 5, 6]);
  });

  test('are tracked through the nodes that PyTorch writes for an expansion', () => {
    const b = new Builder();
    const x = b.input('x', 'float32', ['batch', 1, 3]);
    const asked = b.add('Concat', [b.ints([-1, 5]), b.add('Shape', [x], { start: 2 })], { axis: 0 });
    const ones = b.add('ConstantOfShape', [b.ints([3])], { value: 1, dtype: 'int64' });
    const keep = b.add('Equal', [asked, b.add('Mul', [ones, b.scalar(-1, 'int64')])]);
    const shape = b.add('Where', [keep, ones, asked]);
    expect(shape.known).toEqual([1, 5, 3]);
    expect(b.add('Expand', [x, shape]).shape).toEqual(['batch', 5, 3]);
  });

  test('become unknown if two sizes may or may not be equal', () => {
    const b = new Builder();
    const x = b.input('x', 'float32', ['n', 'm']);
    const shape = b.add('Shape', [x]);
    expect(b.add('Equal', [shape, b.scalar(3, 'int64')]).known).toBeUndefined();
    expect(b.add('Equal', [shape, b.scalar(-1, 'int64')]).known).toEqual([0, 0]);
    expect(b.add('Equal', [shape, shape]).known).toEqual([1, 1]);
  });
});
