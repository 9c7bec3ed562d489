/** Look-ups and their transposes: Gather, GatherElements, GatherND, ScatterElements, ScatterND, TopK. */

import type { Value } from '../graph/ir.ts';
import type { NodeBuilder } from '../graph/node-builder.ts';
import { type Dim, typeText } from '../graph/tensor.ts';
import { mustDiffer, normalizeAxis } from './dims.ts';
import {
  asInt64,
  commonType,
  joined,
  refuse,
  requireInteger,
  requireNumber,
  shapeOf,
  sizeAlong,
  zerosLike,
} from './helpers.ts';
import type { OpSpec } from './spec.ts';

/** Checks that known indices are in the range -size to size - 1, if the size is known. */
function requireInside(indices: readonly (Dim | undefined)[] | undefined, size: Dim): void {
  const outside = indices?.find((i) => typeof i === 'number' && typeof size === 'number' && (i < -size || i >= size));
  if (outside !== undefined) refuse(`index ${outside} is outside an axis of size ${size}`);
}

// y = x[i]: dx is zero except dx[i] += dy. An axis other than 0 is moved to the front first.
export const Gather: OpSpec<'Gather'> = {
  arity: [2, 2],
  attributes: { axis: 'int' },
  infer: ({ inputs: [x, indices], attributes }) => {
    requireInteger(indices!, 'indices');
    if (x!.shape.length === 0) refuse('a scalar cannot be indexed');
    const axis = normalizeAxis(attributes.axis ?? 0, x!.shape.length);
    requireInside(indices!.known, x!.shape[axis]!);
    const shape: Dim[] = [...x!.shape.slice(0, axis), ...indices!.shape, ...x!.shape.slice(axis + 1)];
    const at = indices!.known;
    const from = x!.known;
    const known =
      from && at && x!.shape.length === 1 && at.every((i) => typeof i === 'number')
        ? at.map((i) => from[(i as number) < 0 ? (i as number) + from.length : (i as number)])
        : undefined;
    return [
      { dtype: x!.dtype, shape, known: known?.every((item) => item !== undefined) ? (known as Dim[]) : undefined },
    ];
  },
  gradient: ({ b, inputs: [x, indices], attributes, gradient: g, wants }) => {
    if (!wants(0)) return [null, null];
    const axis = normalizeAxis(attributes.axis ?? 0, x!.shape.length);
    const at = b.add('Unsqueeze', [asInt64(b, indices!), b.ints([-1])]);
    if (axis === 0) return [b.add('ScatterND', [zerosLike(b, x!), at, g], { reduction: 'add' }), null];
    const rank = x!.shape.length;
    const front = [axis, ...x!.shape.map((_, i) => i).filter((i) => i !== axis)];
    const count = indices!.shape.length;
    const gAxes = g.shape.map((_, i) => i);
    const gPerm = [...gAxes.slice(axis, axis + count), ...gAxes.slice(0, axis), ...gAxes.slice(axis + count)];
    const zeros = b.add('ConstantOfShape', [b.add('Gather', [shapeOf(b, x!), b.ints(front)])], {
      value: 0,
      dtype: x!.dtype,
    });
    const moved = b.add('ScatterND', [zeros, at, b.add('Transpose', [g], { perm: gPerm })], { reduction: 'add' });
    const back = Array.from({ length: rank }, (_, i) => front.indexOf(i));
    return [b.add('Transpose', [moved], { perm: back }), null];
  },
};

/** The length of the index tuples into `x`, which is the size of the last axis of `indices`. */
function tupleLength(x: Value, indices: Value): number {
  if (indices.dtype !== 'int64') refuse(`indices are ${indices.dtype}, not int64`);
  const last = indices.shape[indices.shape.length - 1];
  if (typeof last !== 'number') refuse('the last axis of the indices must be known before running');
  if (last < 1 || last > x.shape.length)
    refuse(`index tuples of length ${last} do not fit a value of rank ${x.shape.length}`);
  for (let i = 0; i < last; i++)
    requireInside(
      indices.known?.filter((_, place) => place % last === i),
      x.shape[i]!,
    );
  return last;
}

/** The first `batch` axes of `x` and of `indices`. Their sizes must be equal. */
function batchOf(x: Value, indices: Value, batch: number): readonly Dim[] {
  const least = Math.min(x.shape.length, indices.shape.length - 1);
  if (!(batch >= 0 && batch <= least)) refuse(`batch_dims ${batch} is not in the range 0 to ${least}`);
  return x.shape.slice(0, batch).map((size, i) => {
    const other = indices.shape[i]!;
    if (mustDiffer(size, other)) refuse(`sizes ${size} and ${other} differ at batch axis ${i}`);
    return typeof size === 'number' ? size : other;
  });
}

/** Prepends the positions along the `batch` axes to every tuple in `indices`. */
function wholeTuples(b: NodeBuilder, indices: Value, batch: number): Value {
  const rank = indices.shape.length;
  const sizes = indices.shape.map((_, axis) => (axis === rank - 1 ? b.ints([1]) : sizeAlong(b, indices, axis)));
  const shape = joined(b, sizes);
  const places = Array.from({ length: batch }, (_, axis) => {
    const size = b.add('Squeeze', [sizeAlong(b, indices, axis), b.ints([0])]);
    const range = b.add('Range', [b.scalar(0, 'int64'), size, b.scalar(1, 'int64')]);
    const others = Array.from({ length: rank }, (__, i) => i).filter((i) => i !== axis);
    return b.add('Expand', [b.add('Unsqueeze', [range, b.ints(others)]), shape]);
  });
  return b.add('Concat', [...places, indices], { axis: rank - 1 });
}

// y = x[i]: dx is zero except dx[i] += dy
export const GatherND: OpSpec<'GatherND'> = {
  arity: [2, 2],
  attributes: { batch_dims: 'int' },
  infer: ({ inputs: [x, indices], attributes: { batch_dims: batch = 0 } }) => {
    const shared = batchOf(x!, indices!, batch);
    const length = tupleLength({ ...x!, shape: x!.shape.slice(batch) }, indices!);
    return [
      { dtype: x!.dtype, shape: [...shared, ...indices!.shape.slice(batch, -1), ...x!.shape.slice(batch + length)] },
    ];
  },
  gradient: ({ b, inputs: [x, indices], attributes: { batch_dims: batch = 0 }, gradient: g, wants }) => {
    if (!wants(0)) return [null, null];
    const tuples = batch === 0 ? indices! : wholeTuples(b, indices!, batch);
    return [b.add('ScatterND', [zerosLike(b, x!), tuples, g], { reduction: 'add' }), null];
  },
};

/** Checks indices along one axis of `x`. There is one index for each element of the result or of the updates. */
function elementAxis(x: Value, indices: Value, axis = 0): number {
  requireInteger(indices, 'indices');
  if (indices.shape.length !== x.shape.length)
    refuse(`indices of rank ${indices.shape.length} do not fit a value of rank ${x.shape.length}`);
  const along = normalizeAxis(axis, x.shape.length);
  indices.shape.forEach((size, i) => {
    const whole = x.shape[i]!;
    if (i !== along && typeof size === 'number' && typeof whole === 'number' && size > whole)
      refuse(`the indices have size ${size} at axis ${i}, but the value has size ${whole}`);
  });
  requireInside(indices.known, x.shape[along]!);
  return along;
}

// y[..] = x[i[..]] along one axis: dx is zero except dx[i[..]] += dy[..]
export const GatherElements: OpSpec<'GatherElements'> = {
  arity: [2, 2],
  attributes: { axis: 'int' },
  infer: ({ inputs: [x, indices], attributes }) => {
    elementAxis(x!, indices!, attributes.axis);
    return [{ dtype: x!.dtype, shape: indices!.shape }];
  },
  gradient: ({ b, inputs: [x, indices], attributes: { axis = 0 }, gradient: g, wants }) => [
    wants(0) ? b.add('ScatterElements', [zerosLike(b, x!), indices!, g], { axis, reduction: 'add' }) : null,
    null,
  ],
};

// reduction add: y = x, then y[i] += u, so dx = dy and du = dy[i]; reduction none: y[i] = u, so dx[i] is zero (indices
// must be distinct, as ONNX requires)
export const ScatterElements: OpSpec<'ScatterElements'> = {
  arity: [3, 3],
  attributes: { axis: 'int', reduction: 'string' },
  infer: ({ inputs: [x, indices, updates], attributes }) => {
    requireReduction(attributes.reduction);
    commonType([x!, updates!]);
    elementAxis(x!, indices!, attributes.axis);
    const { shape } = indices!;
    if (shape.length !== updates!.shape.length || shape.some((size, i) => mustDiffer(size, updates!.shape[i]!)))
      refuse(`the updates have shape [${updates!.shape.join(', ')}], not [${shape.join(', ')}]`);
    return [{ dtype: x!.dtype, shape: x!.shape }];
  },
  gradient: ({ b, inputs: [, indices, updates], attributes: { axis = 0, reduction }, gradient: g, wants }) => {
    const dx = () =>
      reduction === 'add' ? g : b.add('ScatterElements', [g, indices!, zerosLike(b, updates!)], { axis });
    return [wants(0) ? dx() : null, null, wants(2) ? b.add('GatherElements', [g, indices!], { axis }) : null];
  },
};

function requireReduction(reduction: string | undefined): void {
  if (reduction !== undefined && reduction !== 'none' && reduction !== 'add')
    refuse(`reduction "${reduction}" is not supported: use none or add`);
}

// reduction add: y = x, then y[i] += u, so dx = dy and du = dy[i]; reduction none: y[i] = u, so dx[i] is zero (tuples
// must be distinct, as ONNX requires)
export const ScatterND: OpSpec<'ScatterND'> = {
  arity: [3, 3],
  attributes: { reduction: 'string' },
  infer: ({ inputs: [x, indices, updates], attributes }) => {
    requireReduction(attributes.reduction);
    commonType([x!, updates!]);
    const length = tupleLength(x!, indices!);
    const wanted = [...indices!.shape.slice(0, -1), ...x!.shape.slice(length)];
    if (wanted.length !== updates!.shape.length || wanted.some((dim, i) => mustDiffer(dim, updates!.shape[i]!))) {
      refuse(`the updates have shape [${updates!.shape.join(', ')}], not [${wanted.join(', ')}]`);
    }
    return [{ dtype: x!.dtype, shape: x!.shape }];
  },
  gradient: ({ b, inputs: [, indices, updates], attributes, gradient: g, wants }) => {
    const adds = attributes.reduction === 'add';
    const dx = () => (adds ? g : b.add('ScatterND', [g, indices!, zerosLike(b, updates!)]));
    return [wants(0) ? dx() : null, null, wants(2) ? b.add('GatherND', [g, indices!]) : null];
  },
};

// values = x[indices] along one axis: dx is zero except dx[indices] = dvalues
export const TopK: OpSpec<'TopK'> = {
  arity: [2, 2],
  attributes: { axis: 'int', largest: 'int', sorted: 'int' },
  infer: ({ inputs: [x, k], attributes: { axis = -1 }, freshDim }) => {
    requireNumber(x!);
    const along = normalizeAxis(axis, x!.shape.length);
    if (k!.dtype !== 'int64' || k!.shape.length !== 1 || mustDiffer(k!.shape[0]!, 1))
      refuse(`k is ${typeText(k!)}, not int64[1]`);
    // ONNX Runtime divides by the number of rows, and crashes if there are no rows
    if (x!.shape.includes(0)) refuse(`a value of shape [${x!.shape.join(', ')}] has no elements`);
    const count = k!.known?.[0] ?? freshDim();
    const size = x!.shape[along]!;
    if (typeof count === 'number' && (count < 0 || (typeof size === 'number' && count > size)))
      refuse(`k is ${count}, but the axis has size ${size}`);
    const shape = x!.shape.with(along, count);
    return [
      { dtype: x!.dtype, shape },
      { dtype: 'int64', shape },
    ];
  },
  gradient: ({ b, inputs: [x], outputs: [, indices], attributes: { axis = -1 }, gradient: g }) => [
    b.add('ScatterElements', [zerosLike(b, x!), indices!, g], { axis }),
    null,
  ],
};
