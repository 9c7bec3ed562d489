/** ReduceProd. Its gradient is exact even if elements are zero. */

import type { Value } from '../graph/ir.ts';
import type { NodeBuilder } from '../graph/node-builder.ts';
import { refuse, reshapeLike, sizeAlong } from './helpers.ts';
import { broadcastable, inferReduction, REDUCTION, reducedAxes } from './reduction.ts';
import type { OpSpec } from './spec.ts';

// (x1 * x2 * ..)' = sum_i (xi' * product of all xj with j != i)
export const ReduceProd: OpSpec<'ReduceProd'> = {
  ...REDUCTION,
  infer: inferReduction,
  gradient: (c) => {
    const { b, inputs, gradient: g } = c;
    const reduced = reducedAxes(c);
    if (reduced === null) refuse('the axes of ReduceProd must be known before running');
    if (reduced.length === 0) return [g, null];
    return [b.add('Mul', [broadcastable(c, g), productOfOthers(b, inputs[0]!, reduced)]), null];
  },
};

/**
 * For each element of `x`, the product of the other elements over `axes`. Dividing the product of all elements by the
 * element would be wrong at zeros; in the second derivative, not even a mask would help. Instead, n rows of n factors
 * are multiplied, with a 1 in place of factor i in row i.
 */
function productOfOthers(b: NodeBuilder, x: Value, axes: readonly number[]): Value {
  const kept = x.shape.map((_, i) => i).filter((i) => !axes.includes(i));
  const perm = [...kept, ...axes];
  const sorted = perm.every((axis, i) => axis === i);
  const moved = sorted ? x : b.add('Transpose', [x], { perm });
  const rows = b.add('Flatten', [moved], { axis: kept.length });
  const count = b.add('Squeeze', [sizeAlong(b, rows, 1), b.ints([0])]);
  const places = b.add('Range', [b.scalar(0, 'int64'), count, b.scalar(1, 'int64')]);
  const own = b.add('Equal', [places, b.add('Unsqueeze', [places, b.ints([1])])]);
  const others = b.add('Where', [own, b.scalar(1, x), b.add('Unsqueeze', [rows, b.ints([1])])]);
  const products = reshapeLike(b, b.add('ReduceProd', [others, b.ints([2])], { keepdims: 0 }), moved);
  return sorted ? products : b.add('Transpose', [products], { perm: perm.map((_, i) => perm.indexOf(i)) });
}
