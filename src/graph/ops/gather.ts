/** Look-ups and their transposes: Gather, GatherND, ScatterND. */
import type { Builder } from '../builder.ts';
import type { Dim, Value } from '../ir.ts';
import { mustDiffer, normalizeAxis } from './dims.ts';
import { commonType, refuse, requireInteger, shapeOf, zerosLike } from './helpers.ts';
import type { OpSpec } from './spec.ts';

/** ScatterND takes int64 only. */
function asInt64(b: Builder, indices: Value): Value {
  return indices.dtype === 'int64' ? indices : b.add('Cast', [indices], { to: 'int64' });
}

// y = x[i]: dx is zero but for dx[i] += dy. Along another axis than 0 it is done with that axis in front.
export const Gather: OpSpec<'Gather'> = {
  arity: [2, 2],
  attributes: { axis: 'int' },
  infer: ({ inputs: [x, indices], attributes }) => {
    requireInteger(indices!, 'indices');
    if (x!.shape.length === 0) refuse('a scalar cannot be indexed');
    const axis = normalizeAxis(attributes.axis ?? 0, x!.shape.length);
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

/** Length of the index tuples into `x`: the last axis of `indices`. */
function tupleLength(x: Value, indices: Value): number {
  if (indices.dtype !== 'int64') refuse(`indices are ${indices.dtype}, not int64`);
  const last = indices.shape[indices.shape.length - 1];
  if (typeof last !== 'number') refuse('the last axis of the indices must be known before running');
  if (last < 1 || last > x.shape.length) refuse(`index tuples of ${last} in a value of rank ${x.shape.length}`);
  return last;
}

// y = x[i]: dx is zero but for dx[i] += dy
export const GatherND: OpSpec<'GatherND'> = {
  arity: [2, 2],
  attributes: {},
  infer: ({ inputs: [x, indices] }) => {
    const length = tupleLength(x!, indices!);
    return [{ dtype: x!.dtype, shape: [...indices!.shape.slice(0, -1), ...x!.shape.slice(length)] }];
  },
  gradient: ({ b, inputs: [x, indices], gradient: g, wants }) => [
    wants(0) ? b.add('ScatterND', [zerosLike(b, x!), indices!, g], { reduction: 'add' }) : null,
    null,
  ],
};

// add: y = x, y[i] += u, so dx = dy and du = dy[i]. none: y[i] = u, so dx is zero there (tuples must differ, as ONNX demands)
export const ScatterND: OpSpec<'ScatterND'> = {
  arity: [3, 3],
  attributes: { reduction: 'string' },
  infer: ({ inputs: [x, indices, updates], attributes }) => {
    if (attributes.reduction !== undefined && attributes.reduction !== 'none' && attributes.reduction !== 'add')
      refuse(`reduction "${attributes.reduction}" is not supported: use none or add`);
    commonType([x!, updates!]);
    const length = tupleLength(x!, indices!);
    const wanted = [...indices!.shape.slice(0, -1), ...x!.shape.slice(length)];
    if (wanted.length !== updates!.shape.length || wanted.some((dim, i) => mustDiffer(dim, updates!.shape[i]!))) {
      refuse(`updates of shape [${updates!.shape.join(', ')}], not [${wanted.join(', ')}]`);
    }
    return [{ dtype: x!.dtype, shape: x!.shape }];
  },
  gradient: ({ b, inputs: [, indices, updates], attributes, gradient: g, wants }) => {
    const adds = attributes.reduction === 'add';
    const dx = () => (adds ? g : b.add('ScatterND', [g, indices!, zerosLike(b, updates!)]));
    return [wants(0) ? dx() : null, null, wants(2) ? b.add('GatherND', [g, indices!]) : null];
  },
};
