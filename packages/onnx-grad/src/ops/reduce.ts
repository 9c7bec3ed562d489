/** Sums and means over axes, running sums, and the softmaxes. */

import type { Value } from '../graph/ir.ts';
import type { NodeBuilder } from '../graph/node-builder.ts';
import { knownNumbers, normalizeAxis } from './dims.ts';
import {
  floatUnary,
  refuse,
  requireFloat,
  requireInteger,
  requireNumber,
  sameAsInput,
  shapeOf,
  sizeAlong,
} from './helpers.ts';
import { broadcastable, inferReduction, REDUCTION, type Reduction, reducedAxes } from './reduction.ts';
import type { GradientContext, InferContext, Inferred, OpSpec } from './spec.ts';

/** Broadcasts the gradient of a sum to the shape of the summed value. */
function spread(c: GradientContext<Reduction>): Value {
  const { b, inputs, gradient: g } = c;
  return reducedAxes(c)?.length === 0 ? g : b.add('Expand', [broadcastable(c, g), shapeOf(b, inputs[0]!)]);
}

/**
 * The number of elements over `axes` of `x`, in the element type of `x`. The result is a constant if the number is
 * known.
 */
function countOver(b: NodeBuilder, x: Value, axes: readonly number[]): Value {
  const sizes = axes.map((axis) => x.shape[axis]!);
  const known = sizes.reduce<number>((product, dim) => (typeof dim === 'number' ? product * dim : product), 1);
  const named = axes.filter((axis) => typeof x.shape[axis] === 'string');
  return named.reduce(
    (product, axis) =>
      b.add('Mul', [product, b.add('Cast', [b.add('Squeeze', [sizeAlong(b, x, axis), b.ints([0])])], { to: x.dtype })]),
    b.scalar(known, x),
  );
}

// sum(x)' = sum(x')
export const ReduceSum: OpSpec<'ReduceSum'> = {
  ...REDUCTION,
  infer: inferReduction,
  gradient: (c) => [spread(c), null],
};

// mean(x)' = mean(x')
export const ReduceMean: OpSpec<'ReduceMean'> = {
  ...REDUCTION,
  infer: (c) => {
    requireFloat(c.inputs[0]!);
    return inferReduction(c);
  },
  gradient: (c) => {
    const reduced = reducedAxes(c);
    if (reduced === null) refuse('the axes of ReduceMean must be known before running');
    return [c.b.add('Div', [spread(c), countOver(c.b, c.inputs[0]!, reduced)]), null];
  },
};

// y_i = x_1 + .. + x_i, so dx_i = dy_i + .. + dy_n, the running sum from the other end
export const CumSum: OpSpec<'CumSum'> = {
  arity: [2, 2],
  attributes: { exclusive: 'int', reverse: 'int' },
  infer: ({ inputs }) => {
    const [x, axis] = inputs;
    requireNumber(x!);
    requireInteger(axis!, 'the axis');
    if (axis!.shape.length > 1 || (axis!.shape[0] ?? 1) !== 1) refuse('the axis must be a single number');
    normalizeAxis(knownNumbers(axis)?.[0] ?? 0, x!.shape.length);
    return sameAsInput({ inputs });
  },
  gradient: ({ b, inputs: [, axis], attributes: { exclusive, reverse = 0 }, gradient: g }) => [
    b.add('CumSum', [g, axis!], { ...(exclusive ? { exclusive } : {}), reverse: 1 - reverse }),
    null,
  ],
};

function inferSoftmax(c: InferContext<'Softmax' | 'LogSoftmax'>): readonly Inferred[] {
  normalizeAxis(c.attributes.axis ?? -1, c.inputs[0]!.shape.length);
  return floatUnary(c);
}

// s = softmax(x): s' = s * (x' - sum(s * x'))
export const Softmax: OpSpec<'Softmax'> = {
  arity: [1, 1],
  attributes: { axis: 'int' },
  infer: inferSoftmax,
  gradient: ({ b, outputs: [s], attributes, gradient: g }) => {
    const axis = normalizeAxis(attributes.axis ?? -1, s!.shape.length);
    const mean = b.add('ReduceSum', [b.add('Mul', [g, s!]), b.ints([axis])], { keepdims: 1 });
    return [b.add('Mul', [s!, b.add('Sub', [g, mean])])];
  },
};

// y = log(softmax(x)): y' = x' - sum(e^y * x'), so dx = dy - e^y * sum(dy)
export const LogSoftmax: OpSpec<'LogSoftmax'> = {
  arity: [1, 1],
  attributes: { axis: 'int' },
  infer: inferSoftmax,
  gradient: ({ b, outputs: [out], attributes, gradient: g }) => {
    const axis = normalizeAxis(attributes.axis ?? -1, out!.shape.length);
    const total = b.add('ReduceSum', [g, b.ints([axis])], { keepdims: 1 });
    return [b.add('Sub', [g, b.add('Mul', [b.add('Exp', [out!]), total])])];
  },
};
