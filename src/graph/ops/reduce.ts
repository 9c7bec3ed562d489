/** Sums and means over axes, and Softmax. */
import type { Builder } from '../builder.ts';
import type { Dim, Value } from '../ir.ts';
import { knownNumbers, normalizeAxes, normalizeAxis } from './dims.ts';
import { floatUnary, refuse, requireFloat, requireInteger, shapeOf, sizeAlong } from './helpers.ts';
import type { GradientContext, InferContext, Inferred, OpSpec } from './spec.ts';

type Reduction = 'ReduceSum' | 'ReduceMean';

/** The axes that are reduced: null where they are known at run time only. */
function reducedAxes(x: Value, axes: Value | null | undefined, noopWhenEmpty: boolean): readonly number[] | null {
  const all = x.shape.map((_, i) => i);
  if (!axes) return noopWhenEmpty ? [] : all;
  const known = knownNumbers(axes);
  if (!known) return null;
  return known.length === 0 ? (noopWhenEmpty ? [] : all) : normalizeAxes(known, x.shape.length);
}

function inferReduction({ inputs: [x, axes], attributes, freshDim }: InferContext<Reduction>): readonly Inferred[] {
  if (x!.dtype === 'bool') refuse('a bool cannot be summed');
  if (axes) requireInteger(axes, 'axes');
  const keep = (attributes.keepdims ?? 1) !== 0;
  const reduced = reducedAxes(x!, axes, (attributes.noop_with_empty_axes ?? 0) !== 0);
  if (reduced === null) {
    if (!keep) refuse('axes must be known before running, or keepdims be 1');
    return [{ dtype: x!.dtype, shape: x!.shape.map((dim) => (dim === 1 ? 1 : freshDim())) }];
  }
  const shape: Dim[] = [];
  x!.shape.forEach((dim, i) => {
    if (!reduced.includes(i)) shape.push(dim);
    else if (keep) shape.push(1);
  });
  return [{ dtype: x!.dtype, shape }];
}

/** The gradient of a sum, broadcast back to the shape of what was summed. */
function spread({ b, inputs: [x, axes], attributes, gradient: g }: GradientContext<Reduction>): {
  spread: Value;
  reduced: readonly number[] | null;
} {
  const reduced = reducedAxes(x!, axes, (attributes.noop_with_empty_axes ?? 0) !== 0);
  const keep = (attributes.keepdims ?? 1) !== 0;
  const kept = keep || reduced === null || reduced.length === 0 ? g : b.add('Unsqueeze', [g, b.ints(reduced)]);
  return { spread: reduced?.length === 0 ? g : b.add('Expand', [kept, shapeOf(b, x!)]), reduced };
}

/** Number of elements over `axes` of `x`, as a float of the type of `x` (a constant where it is known). */
function countOver(b: Builder, x: Value, axes: readonly number[]): Value {
  const sizes = axes.map((axis) => x.shape[axis]!);
  const known = sizes.reduce<number>((product, dim) => (typeof dim === 'number' ? product * dim : product), 1);
  const named = axes.filter((axis) => typeof x.shape[axis] === 'string');
  return named.reduce(
    (product, axis) =>
      b.add('Mul', [product, b.add('Cast', [b.add('Squeeze', [sizeAlong(b, x, axis), b.ints([0])])], { to: x.dtype })]),
    b.scalar(known, x),
  );
}

// (sum x)' = sum x'
export const ReduceSum: OpSpec<'ReduceSum'> = {
  arity: [1, 2],
  attributes: { keepdims: 'int', noop_with_empty_axes: 'int' },
  infer: inferReduction,
  gradient: (c) => [spread(c).spread, null],
};

// (mean x)' = mean x'
export const ReduceMean: OpSpec<'ReduceMean'> = {
  arity: [1, 2],
  attributes: { keepdims: 'int', noop_with_empty_axes: 'int' },
  infer: (c) => {
    requireFloat(c.inputs[0]!);
    return inferReduction(c);
  },
  gradient: (c) => {
    const { spread: out, reduced } = spread(c);
    if (reduced === null) refuse('the axes of ReduceMean must be known before running');
    return [c.b.add('Div', [out, countOver(c.b, c.inputs[0]!, reduced)]), null];
  },
};

// s = softmax(x): s' = s (x' - sum(s x'))
export const Softmax: OpSpec<'Softmax'> = {
  arity: [1, 1],
  attributes: { axis: 'int' },
  infer: (c) => {
    normalizeAxis(c.attributes.axis ?? -1, c.inputs[0]!.shape.length);
    return floatUnary(c);
  },
  gradient: ({ b, outputs: [s], attributes, gradient: g }) => {
    const axis = normalizeAxis(attributes.axis ?? -1, s!.shape.length);
    const mean = b.add('ReduceSum', [b.add('Mul', [g, s!]), b.ints([axis])], { keepdims: 1 });
    return [b.add('Mul', [s!, b.add('Sub', [g, mean])])];
  },
};
