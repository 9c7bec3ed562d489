/** Ops with any number of broadcast inputs: Max, Min, Sum, Mean. */
import { broadcastOf, maskAs, refuse, requireAll, requireFloat, requireNumber } from './helpers.ts';
import type { OpSpec } from './spec.ts';

const ANY_NUMBER = [1, 4096] as const;

// the gradient of max(x, y, ..) goes to the largest input, the gradient of min to the smallest; equal inputs share the
// gradient, as in PyTorch
function extreme<K extends 'Max' | 'Min'>(): OpSpec<K> {
  return {
    arity: ANY_NUMBER,
    attributes: {} as OpSpec<K>['attributes'],
    infer: (c) => {
      requireAll(c.inputs);
      return [broadcastOf(c, requireNumber)];
    },
    gradient: ({ b, inputs, outputs: [out], gradient: g, wants }) => {
      const masks = inputs.map((input) => maskAs(b, b.add('Equal', [input!, out!]), g));
      const share = b.add('Div', [g, masks.reduce((sum, mask) => b.add('Add', [sum, mask]))]);
      return masks.map((mask, i) => (wants(i) ? b.add('Mul', [share, mask]) : null));
    },
  };
}

export const Max = extreme<'Max'>();
export const Min = extreme<'Min'>();

// (x + y + ..)' = x' + y' + ..
export const Sum: OpSpec<'Sum'> = {
  arity: ANY_NUMBER,
  attributes: {},
  infer: (c) => {
    requireAll(c.inputs);
    return [broadcastOf(c, requireFloat)];
  },
  gradient: ({ inputs, gradient: g }) => inputs.map(() => g),
};

// mean(x, y, ..)' = (x' + y' + ..) / n
export const Mean: OpSpec<'Mean'> = {
  arity: ANY_NUMBER,
  attributes: {},
  infer: (c) => {
    requireAll(c.inputs);
    const type = broadcastOf(c);
    if (type.dtype !== 'float32') refuse(`Mean takes float32 only, not ${type.dtype}`);
    return [type];
  },
  gradient: ({ b, inputs, gradient: g }) => {
    const share = b.add('Div', [g, b.scalar(inputs.length, g)]);
    return inputs.map(() => share);
  },
};
