/** Sums, means, norms and products over axes, running sums, and the softmaxes. */
import type { Value } from '../graph/ir.ts';
import type { NodeBuilder } from '../graph/node-builder.ts';
import { knownNumbers, normalizeAxis } from './dims.ts';
import {
  floatUnary,
  refuse,
  requireFloat,
  requireInteger,
  requireNumber,
  reshapeLike,
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
 * element would be wrong at zeros; in the second derivative, not even a mask would help. Instead, multiplies n rows of
 * n factors, with a 1 in place of factor i in row i.
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

// sum(|x|)' = sum(sign(x) * x')
export const ReduceL1: OpSpec<'ReduceL1'> = {
  ...REDUCTION,
  infer: inferReduction,
  gradient: (c) => [c.b.add('Mul', [broadcastable(c, c.gradient), c.b.add('Sign', [c.inputs[0]!])]), null],
};

// for the Euclidean norm |x|: |x|' = sum(x * x') / |x|, or 0 if |x| is 0, as in PyTorch (also in the second derivative)
export const ReduceL2: OpSpec<'ReduceL2'> = {
  ...REDUCTION,
  infer: inferReduction,
  gradient: (c) => {
    const { b, inputs, outputs, gradient: g } = c;
    const [norm, zero] = [broadcastable(c, outputs[0]!), b.scalar(0, g)];
    const isZero = b.add('Equal', [norm, zero]);
    // a divisor of 0 is replaced by 1 and the result is masked, because x / 0 would become NaN in the next derivative
    const safe = b.add('Where', [isZero, b.scalar(1, g), norm]);
    const share = b.add('Where', [isZero, zero, b.add('Div', [broadcastable(c, g), safe])]);
    return [b.add('Mul', [inputs[0]!, share]), null];
  },
};

// sum(x^2)' = sum(2 * x * x')
export const ReduceSumSquare: OpSpec<'ReduceSumSquare'> = {
  ...REDUCTION,
  infer: inferReduction,
  gradient: (c) => {
    const { b, inputs, gradient: g } = c;
    return [b.add('Mul', [inputs[0]!, b.add('Mul', [broadcastable(c, g), b.scalar(2, g)])]), null];
  },
};

// y = log(sum(e^x)): y' = sum(e^(x - y) * x')
export const ReduceLogSumExp: OpSpec<'ReduceLogSumExp'> = {
  ...REDUCTION,
  infer: (c) => {
    requireFloat(c.inputs[0]!);
    return inferReduction(c);
  },
  gradient: (c) => {
    const { b, inputs, outputs, gradient: g } = c;
    const share = b.add('Exp', [b.add('Sub', [inputs[0]!, broadcastable(c, outputs[0]!)])]);
    return [b.add('Mul', [broadcastable(c, g), share]), null];
  },
};
