/** Ops that find the largest or smallest elements over axes, or the positions of these elements. */
import type { Dim } from '../graph/tensor.ts';
import { normalizeAxis } from './dims.ts';
import { maskAs, requireNumber } from './helpers.ts';
import { broadcastable, inferReduction, REDUCTION, sumAlike } from './reduction.ts';
import type { OpSpec } from './spec.ts';

// the gradient of max(x) goes to the largest element; equal largest elements share the gradient, as in PyTorch's amax
function extreme<K extends 'ReduceMax' | 'ReduceMin'>(attributes: OpSpec<K>['attributes']): OpSpec<K> {
  return {
    ...REDUCTION,
    attributes,
    infer: inferReduction,
    gradient: (c) => {
      const { b, inputs, outputs, gradient: g } = c;
      const mask = maskAs(b, b.add('Equal', [inputs[0]!, broadcastable(c, outputs[0]!)]), g);
      const share = b.add('Div', [broadcastable(c, g), sumAlike(c, mask)]);
      return [b.add('Mul', [share, mask]), null];
    },
  };
}

export const ReduceMax = extreme<'ReduceMax'>(REDUCTION.attributes);
export const ReduceMin = extreme<'ReduceMin'>(REDUCTION.attributes);

function place<K extends 'ArgMax' | 'ArgMin'>(attributes: OpSpec<K>['attributes']): OpSpec<K> {
  return {
    arity: [1, 1],
    attributes,
    infer: ({ inputs: [x], attributes: { axis = 0, keepdims = 1 } }) => {
      requireNumber(x!);
      const along = normalizeAxis(axis, x!.shape.length);
      const shape = x!.shape.flatMap((dim, i): readonly Dim[] => (i !== along ? [dim] : keepdims ? [1] : []));
      return [{ dtype: 'int64', shape }];
    },
    gradient: 'none',
  };
}

export const ArgMax = place<'ArgMax'>({ axis: 'int', keepdims: 'int', select_last_index: 'int' });
export const ArgMin = place<'ArgMin'>({ axis: 'int', keepdims: 'int', select_last_index: 'int' });
