/** Ops that change the shape of a value. They keep, move or repeat elements. */
import type { Value } from '../graph/ir.ts';
import { type Dim, isConcrete, typeText } from '../graph/tensor.ts';
import {
  broadcastShapes,
  knownElements,
  mustDiffer,
  neverDivides,
  neverEqual,
  normalizeAxes,
  normalizeAxis,
  productOf,
  quotientOf,
  requireNumbers,
} from './dims.ts';
import { dimsOf, joined, refuse, reshapeLike, sizeAlong } from './helpers.ts';
import type { OpSpec } from './spec.ts';

// the reverse sweep sums the gradient over the broadcast axes
export const Expand: OpSpec<'Expand'> = {
  arity: [2, 2],
  attributes: {},
  infer: ({ inputs: [x, target], freshDim }) => {
    const dims = dimsOf(target!, freshDim);
    if (dims.some((dim) => typeof dim === 'number' && dim < 0))
      refuse(`the shape [${dims.join(', ')}] has a size below 0`);
    const shape = broadcastShapes([x!.shape, dims], freshDim);
    const offset = shape.length - x!.shape.length;
    const known = knownElements(x!, shape, (index) =>
      x!.shape.map((size, axis) => (size === 1 ? 0 : index[offset + axis]!)),
    );
    return [{ dtype: x!.dtype, shape, known }];
  },
  gradient: ({ gradient: g }) => [g, null],
};

// the gradient of an element is the sum over its repeats; to compute the sum, each axis of g is split into repeats and
// size
export const Tile: OpSpec<'Tile'> = {
  arity: [2, 2],
  attributes: {},
  infer: ({ inputs: [x, repeats], freshDim }) => {
    if (repeats!.dtype !== 'int64') refuse(`the repeats are ${repeats!.dtype}, not int64`);
    const rank = x!.shape.length;
    if (repeats!.shape.length !== 1 || mustDiffer(repeats!.shape[0]!, rank))
      refuse(`the repeats are ${typeText(repeats!)}, not one for each of ${rank} axes`);
    const times = repeats!.known ?? x!.shape.map(() => null);
    if (times.some((count) => typeof count === 'number' && count < 0))
      refuse(`the repeats [${times.join(', ')}] contain a negative number`);
    const shape = x!.shape.map((size, i): Dim => {
      const count = times[i]!;
      if (count === null) return freshDim();
      return productOf([size, count]) ?? freshDim();
    });
    const known = knownElements(x!, shape, (index) => index.map((i, axis) => i % (x!.shape[axis] as number)));
    return [{ dtype: x!.dtype, shape, known }];
  },
  gradient: ({ b, inputs: [x, repeats], gradient: g }) => {
    const rank = x!.shape.length;
    const split = joined(
      b,
      x!.shape.flatMap((_, i) => {
        const count = repeats!.known?.[i];
        const times =
          typeof count === 'number' ? b.ints([count]) : b.add('Slice', [repeats!, b.ints([i]), b.ints([i + 1])]);
        return [times, sizeAlong(b, x!, i)];
      }),
    );
    if (rank === 0) return [g, null];
    const parts = b.add('Reshape', [g, split], { allowzero: 1 });
    const axes = b.ints(x!.shape.map((_, i) => 2 * i));
    return [reshapeLike(b, b.add('ReduceSum', [parts, axes], { keepdims: 0 }), x!), null];
  },
};

export const Reshape: OpSpec<'Reshape'> = {
  arity: [2, 2],
  attributes: { allowzero: 'int' },
  infer: ({ inputs: [x, shape], attributes, freshDim }) => {
    const target = dimsOf(shape!, freshDim).map((dim, i) => {
      if (dim !== 0 || attributes.allowzero) return dim;
      if (i >= x!.shape.length) refuse(`size 0 at axis ${i} copies an axis that the value does not have`);
      return x!.shape[i]!;
    });
    if (target.filter((dim) => dim === -1).length > 1) refuse('more than one size is -1');
    if (target.some((dim) => typeof dim === 'number' && dim < -1))
      refuse(`the shape [${target.join(', ')}] has a size below -1`);
    const others = target.filter((dim) => dim !== -1);
    // if the elements are known, their number is known too, even if the shape has names
    const from = x!.known ? [x!.known.length] : x!.shape;
    if (target.includes(-1) ? neverDivides(from, others) : neverEqual(from, target)) {
      const count = productOf(from);
      const what = typeof count === 'number' ? `${count} elements do` : `[${from.join(', ')}] does`;
      refuse(`${what} not fit [${target.join(', ')}]`);
    }
    const rest = quotientOf(x!.shape, others);
    const out = target.map((dim) => (dim === -1 ? (rest ?? freshDim()) : dim));
    return [{ dtype: x!.dtype, shape: out, known: x!.known }];
  },
  gradient: ({ b, inputs: [x], gradient: g }) => [reshapeLike(b, g, x!), null],
};

export const Flatten: OpSpec<'Flatten'> = {
  arity: [1, 1],
  attributes: { axis: 'int' },
  infer: ({ inputs: [x], attributes: { axis = 1 }, freshDim }) => {
    const rank = x!.shape.length;
    const at = axis === rank ? rank : normalizeAxis(axis, rank);
    return [
      {
        dtype: x!.dtype,
        shape: [productOf(x!.shape.slice(0, at)) ?? freshDim(), productOf(x!.shape.slice(at)) ?? freshDim()],
      },
    ];
  },
  gradient: ({ b, inputs: [x], gradient: g }) => [reshapeLike(b, g, x!)],
};

/** Returns the axes that a Squeeze removes. */
function squeezedAxes(x: Value, axes: Value | null | undefined): readonly number[] {
  if (axes) return normalizeAxes(requireNumbers(axes, 'the axes of Squeeze'), x.shape.length);
  if (!isConcrete(x.shape)) refuse('Squeeze without axes needs a shape that is known before running');
  return x.shape.flatMap((dim, i) => (dim === 1 ? [i] : []));
}

export const Squeeze: OpSpec<'Squeeze'> = {
  arity: [1, 2],
  attributes: {},
  infer: ({ inputs: [x, axes] }) => {
    const gone = squeezedAxes(x!, axes);
    for (const axis of gone)
      if (mustDiffer(x!.shape[axis]!, 1)) refuse(`axis ${axis} has size ${x!.shape[axis]}, not 1`);
    return [{ dtype: x!.dtype, shape: x!.shape.filter((_, i) => !gone.includes(i)), known: x!.known }];
  },
  gradient: ({ b, inputs: [x, axes], gradient: g }) => [b.add('Unsqueeze', [g, b.ints(squeezedAxes(x!, axes))]), null],
};

export const Unsqueeze: OpSpec<'Unsqueeze'> = {
  arity: [2, 2],
  attributes: {},
  infer: ({ inputs: [x, axes] }) => {
    const numbers = requireNumbers(axes, 'the axes of Unsqueeze');
    const rank = x!.shape.length + numbers.length;
    const put = normalizeAxes(numbers, rank);
    const rest = [...x!.shape];
    return [
      {
        dtype: x!.dtype,
        shape: Array.from({ length: rank }, (_, i) => (put.includes(i) ? 1 : rest.shift()!)),
        known: x!.known,
      },
    ];
  },
  gradient: ({ b, inputs: [, axes], outputs: [out], gradient: g }) => [
    b.add('Squeeze', [g, b.ints(normalizeAxes(requireNumbers(axes, 'axes'), out!.shape.length))]),
    null,
  ],
};

export const Transpose: OpSpec<'Transpose'> = {
  arity: [1, 1],
  attributes: { perm: 'ints' },
  infer: ({ inputs: [x], attributes: { perm } }) => {
    if (perm.length !== x!.shape.length || [...perm].sort((a, c) => a - c).some((axis, i) => axis !== i))
      refuse(`perm [${perm.join(', ')}] is not a permutation of ${x!.shape.length} axes`);
    const shape = perm.map((axis) => x!.shape[axis]!);
    const known = knownElements(x!, shape, (index) => perm.map((_, axis) => index[perm.indexOf(axis)]!));
    return [{ dtype: x!.dtype, shape, known }];
  },
  gradient: ({ b, attributes: { perm }, gradient: g }) => [
    b.add('Transpose', [g], { perm: perm.map((_, i) => perm.indexOf(i)) }),
  ],
};
