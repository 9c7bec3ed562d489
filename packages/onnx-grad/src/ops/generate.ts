/**
 * Ops that create values from shapes, counts and positions. Only OneHot has a gradient, with respect to its `on` and
 * `off` values.
 */
import { type DataType, type Dim, elementCount, isConcrete, tensor } from '../graph/tensor.ts';
import { KNOWN_ELEMENTS, normalizeAxis, productOf } from './dims.ts';
import { commonType, dimsOf, refuse, requireNumber } from './helpers.ts';
import type { OpSpec } from './spec.ts';

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
    if (dims.some((dim) => typeof dim === 'number' && dim < 0))
      refuse(`the shape [${dims.join(', ')}] has a size below 0`);
    const count = isConcrete(dims) ? elementCount(dims) : Number.POSITIVE_INFINITY;
    const small = (dtype === 'int64' || dtype === 'int32') && count <= KNOWN_ELEMENTS;
    return [{ dtype, shape: dims, known: small ? new Array<Dim>(count).fill(value) : undefined }];
  },
  gradient: 'none',
};

export const Range: OpSpec<'Range'> = {
  arity: [3, 3],
  attributes: {},
  infer: ({ inputs, freshDim }) => {
    const dtype = commonType(inputs);
    for (const input of inputs) if (input!.shape.length !== 0) refuse('start, limit and delta must be scalars');
    const [start, limit, delta] = inputs.map((input) => input!.known?.[0]);
    if (typeof start === 'number' && typeof limit === 'number' && typeof delta === 'number') {
      if (delta === 0) refuse('delta is 0');
      const count = Math.max(0, Math.ceil((limit - start) / delta));
      return [
        {
          dtype,
          shape: [count],
          known: count <= KNOWN_ELEMENTS ? Array.from({ length: count }, (_, i) => start + i * delta) : undefined,
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
    // for a scalar, ONNX and ONNX Runtime disagree on the result
    if (x!.shape.length === 0) refuse('the indices of a scalar are not defined');
    return [{ dtype: 'int64', shape: [x!.shape.length, freshDim()] }];
  },
  gradient: 'none',
};

export const Size: OpSpec<'Size'> = {
  arity: [1, 1],
  attributes: {},
  infer: ({ inputs: [x] }) => {
    const count = productOf(x!.shape);
    return [{ dtype: 'int64', shape: [], known: count === null ? undefined : [count] }];
  },
  gradient: 'none',
};

export const EyeLike: OpSpec<'EyeLike'> = {
  arity: [1, 1],
  attributes: { dtype: 'dtype', k: 'int' },
  infer: ({ inputs: [x], attributes }) => {
    if (x!.shape.length !== 2) refuse(`a value of rank ${x!.shape.length} is not a matrix`);
    return [{ dtype: attributes.dtype ?? x!.dtype, shape: x!.shape }];
  },
  gradient: 'none',
};

// y = off * (1 - h) + on * h, where h is 1 at the hot positions and 0 elsewhere: doff = sum(g * (1 - h)), don = sum(g *
// h)
export const OneHot: OpSpec<'OneHot'> = {
  arity: [3, 3],
  attributes: { axis: 'int' },
  infer: ({ inputs: [indices, depth, values], attributes: { axis = -1 }, freshDim }) => {
    requireNumber(indices!);
    requireNumber(depth!);
    if (depth!.shape.length > 1 || (depth!.shape[0] ?? 1) !== 1) refuse('the depth must be a scalar');
    if (values!.shape.length !== 1 || values!.shape[0] !== 2) refuse('there must be two values, off and on');
    if (indices!.shape.length === 0) refuse('a scalar cannot be made one-hot');
    const at = normalizeAxis(axis, indices!.shape.length + 1);
    const size = depth!.known?.[0] ?? freshDim();
    return [{ dtype: values!.dtype, shape: [...indices!.shape.slice(0, at), size, ...indices!.shape.slice(at)] }];
  },
  gradient: ({ b, inputs: [indices, depth, values], attributes, gradient: g, wants }) => {
    if (!wants(2)) return [null, null, null];
    const sumOver = (off: number, on: number) => {
      const mask = b.add('OneHot', [indices!, depth!, b.constant(tensor(values!.dtype, [2], [off, on]))], attributes);
      return b.add('Unsqueeze', [b.add('ReduceSum', [b.add('Mul', [g, mask])], { keepdims: 0 }), b.ints([0])]);
    };
    return [null, null, b.add('Concat', [sumOver(1, 0), sumOver(0, 1)], { axis: 0 })];
  },
};
