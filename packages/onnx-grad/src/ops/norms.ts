/** Norms over axes, and the logarithm of a sum of exponentials. */

import { requireFloat } from './helpers.ts';
import { broadcastable, inferReduction, REDUCTION } from './reduction.ts';
import type { OpSpec } from './spec.ts';

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
