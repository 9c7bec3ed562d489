/** Ops that move, cut and join values without arithmetic, and those that compute shapes. */
import type { Builder } from '../builder.ts';
import { type DataType, type Dim, isConcrete, type Value } from '../ir.ts';
import {
  broadcastShapes,
  knownNumbers,
  mustDiffer,
  normalizeAxes,
  normalizeAxis,
  productOf,
  quotientOf,
  requireNumbers,
} from './dims.ts';
import { commonType, refuse, requireAll, requireInteger, reshapeLike, sizeAlong } from './helpers.ts';
import type { OpSpec } from './spec.ts';

/** Dimensions out of an int64 vector: what is known, fresh names where only its length is. */
function dimsOf(shape: Value, freshDim: () => string): readonly Dim[] {
  requireInteger(shape, 'the shape');
  if (shape.shape.length !== 1) refuse('a shape is a vector');
  if (shape.known) return shape.known;
  const rank = shape.shape[0]!;
  if (typeof rank !== 'number') refuse('the rank of the result must be known before running');
  return Array.from({ length: rank }, freshDim);
}

export const Shape: OpSpec<'Shape'> = {
  arity: [1, 1],
  attributes: { start: 'int', end: 'int' },
  infer: ({ inputs: [x], attributes: { start = 0, end } }) => {
    const dims = x!.shape.slice(start, end);
    return [{ dtype: 'int64', shape: [dims.length], known: dims }];
  },
  gradient: 'none',
};

export const ConstantOfShape: OpSpec<'ConstantOfShape'> = {
  arity: [1, 1],
  attributes: { value: 'fill', dtype: 'fill' },
  infer: ({ inputs: [shape], attributes: { value = 0, dtype = 'float32' as DataType }, freshDim }) => {
    const dims = dimsOf(shape!, freshDim);
    const small =
      (dtype === 'int64' || dtype === 'int32') && isConcrete(dims) && dims.length <= 1 && (dims[0] ?? 1) <= 64;
    return [
      {
        dtype,
        shape: dims,
        known: small ? new Array<Dim>((dims[0] as number | undefined) ?? 1).fill(value) : undefined,
      },
    ];
  },
  gradient: 'none',
};

export const Range: OpSpec<'Range'> = {
  arity: [3, 3],
  attributes: {},
  infer: ({ inputs, freshDim }) => {
    const dtype = commonType(inputs);
    for (const input of inputs) if (input!.shape.length !== 0) refuse('start, limit and delta are scalars');
    const [start, limit, delta] = inputs.map((input) => input!.known?.[0]);
    if (typeof start === 'number' && typeof limit === 'number' && typeof delta === 'number') {
      if (delta === 0) refuse('delta is 0');
      const count = Math.max(0, Math.ceil((limit - start) / delta));
      return [
        {
          dtype,
          shape: [count],
          known: count <= 64 ? Array.from({ length: count }, (_, i) => start + i * delta) : undefined,
        },
      ];
    }
    return [{ dtype, shape: [start === 0 && delta === 1 && typeof limit === 'string' ? limit : freshDim()] }];
  },
  gradient: { refused: 'a Range has no gradient with respect to its start, limit and delta' },
};

export const NonZero: OpSpec<'NonZero'> = {
  arity: [1, 1],
  attributes: {},
  infer: ({ inputs: [x], freshDim }) => {
    // ONNX and ONNX Runtime do not agree on what it gives then
    if (x!.shape.length === 0) refuse('a scalar has no index');
    return [{ dtype: 'int64', shape: [x!.shape.length, freshDim()] }];
  },
  gradient: 'none',
};

// broadcasting is undone by the sweep, which sums
export const Expand: OpSpec<'Expand'> = {
  arity: [2, 2],
  attributes: {},
  infer: ({ inputs: [x, shape], freshDim }) => [
    { dtype: x!.dtype, shape: broadcastShapes([x!.shape, dimsOf(shape!, freshDim)], freshDim) },
  ],
  gradient: ({ gradient: g }) => [g, null],
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
    if (target.filter((dim) => dim === -1).length > 1) refuse('two sizes are -1');
    if (target.some((dim) => typeof dim === 'number' && dim < -1)) refuse(`sizes [${target.join(', ')}]`);
    const others = target.filter((dim) => dim !== -1);
    const rest = quotientOf(x!.shape, others);
    if (!target.includes(-1)) {
      const [from, to] = [productOf(x!.shape), productOf(target)];
      if (from !== null && to !== null && mustDiffer(from, to))
        refuse(`${from} elements do not fit [${target.join(', ')}]`);
    } else if (rest === null && isConcrete(x!.shape) && isConcrete(others))
      refuse(`[${x!.shape.join(', ')}] does not fit [${target.join(', ')}]`);
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

/** The axes that Squeeze takes away. */
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
      refuse(`perm [${perm.join(', ')}] is no permutation of ${x!.shape.length} axes`);
    return [{ dtype: x!.dtype, shape: perm.map((axis) => x!.shape[axis]!) }];
  },
  gradient: ({ b, attributes: { perm }, gradient: g }) => [
    b.add('Transpose', [g], { perm: perm.map((_, i) => perm.indexOf(i)) }),
  ],
};

// the gradient of a part is the part of the gradient
export const Concat: OpSpec<'Concat'> = {
  arity: [1, 4096],
  attributes: { axis: 'int' },
  infer: ({ inputs, attributes, freshDim }) => {
    requireAll(inputs);
    const dtype = commonType(inputs);
    const first = inputs[0]!.shape;
    const axis = normalizeAxis(attributes.axis, first.length);
    const shape: Dim[] = [...first];
    let size: number | null = 0;
    for (const input of inputs) {
      if (input!.shape.length !== first.length) refuse('the ranks differ');
      input!.shape.forEach((dim, i) => {
        if (i === axis) size = size !== null && typeof dim === 'number' ? size + dim : null;
        else if (mustDiffer(dim, shape[i]!)) refuse(`sizes ${shape[i]} and ${dim} differ at axis ${i}`);
        else if (typeof dim === 'number') shape[i] = dim;
      });
    }
    shape[axis] = inputs.length === 1 ? first[axis]! : (size ?? freshDim());
    const known =
      first.length === 1 && inputs.every((input) => input!.known)
        ? inputs.flatMap((input) => [...input!.known!])
        : undefined;
    return [{ dtype, shape, known }];
  },
  gradient: ({ b, inputs, attributes, gradient: g, wants }) => {
    const axis = normalizeAxis(attributes.axis, g.shape.length);
    let start = b.ints([0]);
    return inputs.map((input, i) => {
      const from = start;
      start = plus(b, from, sizeAlong(b, input!, axis));
      return wants(i) ? reshapeLike(b, b.add('Slice', [g, from, start, b.ints([axis])]), input!) : null;
    });
  },
};

/** Sum of two int64 vectors of one: a constant where both are known. */
function plus(b: Builder, x: Value, y: Value): Value {
  const [p, q] = [knownNumbers(x), knownNumbers(y)];
  return p && q ? b.ints([p[0]! + q[0]!]) : b.add('Add', [x, y]);
}

/** Start and end of a Slice of step 1 along an axis of known size, clamped as ONNX does. */
function bounds(start: number, end: number, size: number): readonly [number, number] {
  const clamp = (x: number) => Math.min(Math.max(x < 0 ? x + size : x, 0), size);
  return [clamp(start), Math.max(clamp(start), clamp(end))];
}

function sliceAxes(inputs: readonly (Value | null)[], rank: number): readonly number[] {
  const count = inputs[1]!.shape[0];
  if (typeof count !== 'number') refuse('the number of sliced axes must be known before running');
  return inputs[3]
    ? requireNumbers(inputs[3], 'the axes of Slice').map((axis) => normalizeAxis(axis, rank))
    : Array.from({ length: count }, (_, i) => i);
}

// the gradient outside of the slice is zero: zeros are put around it, axis by axis
export const Slice: OpSpec<'Slice'> = {
  arity: [3, 5],
  attributes: {},
  infer: ({ inputs, freshDim }) => {
    const [x, starts, ends, , steps] = inputs;
    const step = steps ? requireNumbers(steps, 'the steps of Slice') : [];
    const from = knownNumbers(starts);
    const to = knownNumbers(ends);
    const shape: Dim[] = [...x!.shape];
    sliceAxes(inputs, shape.length).forEach((axis, i) => {
      if ((step[i] ?? 1) !== 1) refuse(`step ${step[i]} is not supported: only 1 is`);
      const size = shape[axis]!;
      if (!from || !to) shape[axis] = freshDim();
      else if (typeof size === 'number') {
        const [low, high] = bounds(from[i]!, to[i]!, size);
        shape[axis] = high - low;
      } else if (from[i] !== 0 || to[i]! < 2 ** 31 - 1) shape[axis] = freshDim();
    });
    const known =
      x!.known && x!.shape.length === 1 && from?.length === 1 && to
        ? x!.known.slice(...bounds(from[0]!, to[0]!, x!.known.length))
        : undefined;
    return [{ dtype: x!.dtype, shape, known }];
  },
  gradient: ({ b, inputs, gradient: g }) => {
    const [x, starts, ends] = inputs;
    let out = g;
    sliceAxes(inputs, x!.shape.length).forEach((axis, i) => {
      const size = x!.shape[axis]!;
      const [from, to] = [knownNumbers(starts)?.[i], knownNumbers(ends)?.[i]];
      let [before, after]: readonly (Value | null)[] = [null, null];
      if (typeof size === 'number' && from !== undefined && to !== undefined) {
        const [low, high] = bounds(from, to, size);
        before = low > 0 ? b.ints([low]) : null;
        after = high < size ? b.ints([size - high]) : null;
      } else {
        before = countBefore(b, x!, axis, b.add('Slice', [starts!, b.ints([i]), b.ints([i + 1])]));
        after = b.add('Sub', [sizeAlong(b, x!, axis), b.add('Add', [before, sizeAlong(b, out, axis)])]);
      }
      const parts = [
        before && zerosOfSize(b, out, axis, before),
        out,
        after && zerosOfSize(b, out, axis, after),
      ].filter((part) => part !== null);
      if (parts.length > 1) out = b.add('Concat', parts, { axis });
    });
    return [reshapeLike(b, out, x!), null, null, null, null];
  },
};

/** How many elements along `axis` stand before `start` (an int64 vector of one), which Slice clamps at run time: it may be negative or beyond. */
function countBefore(b: Builder, x: Value, axis: number, start: Value): Value {
  const scalar = (value: number) => b.scalar(value, 'int64');
  const size = b.add('Squeeze', [sizeAlong(b, x, axis), b.ints([0])]);
  const places = b.add('Range', [scalar(0), size, scalar(1)]);
  return b.add('Shape', [b.add('Slice', [places, b.ints([0]), start])]);
}

/** Zeros of the shape of `x` but for `size` (an int64 vector of one) along `axis`. */
function zerosOfSize(b: Builder, x: Value, axis: number, size: Value): Value {
  const parts = x.shape.map((_, i) => (i === axis ? size : sizeAlong(b, x, i)));
  const known = parts.map(knownNumbers);
  const shape = known.every((part) => part !== null)
    ? b.ints(known.map((part) => part[0]!))
    : b.add('Concat', parts, { axis: 0 });
  return b.add('ConstantOfShape', [shape], { value: 0, dtype: x.dtype });
}
