/** Code that all reductions over axes share: reading the axes, the shape rule, and restoring the original shape. */
import type { Value } from '../graph/ir.ts';
import type { Dim } from '../graph/tensor.ts';
import { knownNumbers, normalizeAxes } from './dims.ts';
import { refuse, requireInteger, requireNumber } from './helpers.ts';
import type { GradientContext, InferContext, Inferred } from './spec.ts';

export type Reduction =
  | 'ReduceL1'
  | 'ReduceL2'
  | 'ReduceLogSumExp'
  | 'ReduceMax'
  | 'ReduceMean'
  | 'ReduceMin'
  | 'ReduceProd'
  | 'ReduceSum'
  | 'ReduceSumSquare';

/** The inputs and attributes of a reduction. The optional input 1 contains the axes. */
export const REDUCTION = {
  arity: [1, 2],
  attributes: { keepdims: 'int', noop_with_empty_axes: 'int' },
} as const;

type Reduced = Pick<GradientContext<Reduction>, 'b' | 'inputs' | 'attributes'>;

/** Returns the reduced axes, or null if they are only known at run time. */
export function reducedAxes({ inputs: [x, axes], attributes }: Pick<Reduced, 'inputs' | 'attributes'>) {
  const all = x!.shape.map((_, i) => i);
  const whenEmpty = attributes.noop_with_empty_axes ? [] : all;
  if (!axes) return whenEmpty;
  const known = knownNumbers(axes);
  if (!known) return null;
  return known.length === 0 ? whenEmpty : normalizeAxes(known, x!.shape.length);
}

export function inferReduction(c: InferContext<Reduction>): readonly Inferred[] {
  const [x, axes] = c.inputs;
  requireNumber(x!);
  if (axes) requireInteger(axes, 'axes');
  const keep = (c.attributes.keepdims ?? 1) !== 0;
  const reduced = reducedAxes(c);
  if (reduced === null) {
    if (!keep) refuse('the axes must be known before running unless keepdims is 1');
    return [{ dtype: x!.dtype, shape: x!.shape.map((dim) => (dim === 1 ? 1 : c.freshDim())) }];
  }
  const shape: Dim[] = [];
  x!.shape.forEach((dim, i) => {
    if (!reduced.includes(i)) shape.push(dim);
    else if (keep) shape.push(1);
  });
  return [{ dtype: x!.dtype, shape }];
}

/**
 * Inserts the reduced axes into `value`, which has the shape of the result. The inserted axes have size 1, so that
 * `value` can be broadcast to the original shape.
 */
export function broadcastable({ b, inputs, attributes }: Reduced, value: Value): Value {
  const reduced = reducedAxes({ inputs, attributes });
  const keep = (attributes.keepdims ?? 1) !== 0;
  return keep || reduced === null || reduced.length === 0 ? value : b.add('Unsqueeze', [value, b.ints(reduced)]);
}

/** Sums `x` over the node's axes, which are kept with size 1. */
export function sumAlike({ b, inputs: [, axes], attributes }: Reduced, x: Value): Value {
  const noop = attributes.noop_with_empty_axes;
  return b.add('ReduceSum', axes ? [x, axes] : [x], noop ? { noop_with_empty_axes: noop } : {});
}
