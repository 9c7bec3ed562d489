/**
 * Activation functions of one value, and PRelu. Gradients at kinks are the same as in PyTorch. No exponential
 * overflows, whatever the order of the derivative.
 */

import type { Value } from '../graph/ir.ts';
import type { NodeBuilder } from '../graph/node-builder.ts';
import { broadcastShapes, mustDiffer } from './dims.ts';
import { commonType, FLOAT_UNARY, refuse, requireFloat, sameAsInput } from './helpers.ts';
import type { OpSpec } from './spec.ts';

const isPositive = (b: NodeBuilder, x: Value) => b.add('Greater', [x, b.scalar(0, x)]);

/**
 * Returns an attribute as a scalar with the type of `like`, but rounded to float32, because files store float32 and
 * ONNX Runtime's float64 kernels use the rounded value too.
 */
const scalarOf = (b: NodeBuilder, attribute: number, like: Value) => b.scalar(Math.fround(attribute), like);

// tanh(x)' = (1 - tanh(x)^2) * x'
export const Tanh: OpSpec<'Tanh'> = {
  ...FLOAT_UNARY,
  gradient: ({ b, outputs: [t], gradient: g }) => [
    b.add('Mul', [g, b.add('Sub', [b.scalar(1, t!), b.add('Mul', [t!, t!])])]),
  ],
};

// leakyrelu(x)' = x' if x > 0, else a * x'
export const LeakyRelu: OpSpec<'LeakyRelu'> = {
  ...FLOAT_UNARY,
  attributes: { alpha: 'float' },
  gradient: ({ b, inputs: [x], attributes: { alpha = 0.01 }, gradient: g }) => [
    b.add('Where', [isPositive(b, x!), g, b.add('Mul', [g, scalarOf(b, alpha, g)])]),
  ],
};

// prelu(x, s)' = x' if x > 0, else s * x' + s' * x
export const PRelu: OpSpec<'PRelu'> = {
  arity: [2, 2],
  attributes: {},
  infer: ({ inputs, freshDim }) => {
    const [x, slope] = inputs;
    commonType(inputs);
    requireFloat(x!);
    const wide = broadcastShapes([x!.shape, slope!.shape], freshDim);
    if (wide.length !== x!.shape.length || wide.some((dim, i) => mustDiffer(dim, x!.shape[i]!)))
      refuse(`a slope of shape [${slope!.shape.join(', ')}] does not broadcast to [${x!.shape.join(', ')}]`);
    return sameAsInput({ inputs });
  },
  gradient: ({ b, inputs: [x, slope], gradient: g, wants }) => {
    const positive = isPositive(b, x!);
    return [
      wants(0) ? b.add('Where', [positive, g, b.add('Mul', [g, slope!])]) : null,
      wants(1) ? b.add('Where', [positive, b.scalar(0, g), b.add('Mul', [g, x!])]) : null,
    ];
  },
};

// elu(x)' = x' if x > 0, else a * e^x * x'
export const Elu: OpSpec<'Elu'> = {
  ...FLOAT_UNARY,
  attributes: { alpha: 'float' },
  gradient: ({ b, inputs: [x], attributes: { alpha = 1 }, gradient: g }) => [b.add('Mul', [g, eluSlope(b, x!, alpha)])],
};

/** ONNX's default attributes, rounded to float32. */
const SELU_ALPHA = Math.fround(1.6732632);
const SELU_GAMMA = Math.fround(1.050701);

// selu(x)' = c * x' if x > 0, else c * a * e^x * x'
export const Selu: OpSpec<'Selu'> = {
  ...FLOAT_UNARY,
  attributes: { alpha: 'float', gamma: 'float' },
  gradient: ({ b, inputs: [x], attributes: { alpha = SELU_ALPHA, gamma = SELU_GAMMA }, gradient: g }) => [
    b.add('Mul', [g, b.add('Mul', [eluSlope(b, x!, alpha), scalarOf(b, gamma, x!)])]),
  ],
};

/**
 * Returns 1 where x > 0, else a * e^x. The exponential of a positive x is never computed, because an infinity would
 * become NaN in the next derivative.
 */
function eluSlope(b: NodeBuilder, x: Value, alpha: number): Value {
  const positive = isPositive(b, x);
  const exponential = b.add('Exp', [b.add('Where', [positive, b.scalar(0, x), x])]);
  return b.add('Where', [positive, b.scalar(1, x), b.add('Mul', [exponential, scalarOf(b, alpha, x)])]);
}

// log(1 + e^x)' = sigmoid(x) * x'
export const Softplus: OpSpec<'Softplus'> = {
  ...FLOAT_UNARY,
  gradient: ({ b, inputs: [x], gradient: g }) => [b.add('Mul', [g, b.add('Sigmoid', [x!])])],
};

// (x / (1 + |x|))' = x' / (1 + |x|)^2
export const Softsign: OpSpec<'Softsign'> = {
  ...FLOAT_UNARY,
  gradient: ({ b, inputs: [x], gradient: g }) => {
    const divisor = b.add('Add', [b.add('Abs', [x!]), b.scalar(1, x!)]);
    return [b.add('Div', [g, b.add('Mul', [divisor, divisor])])];
  },
};

// y = clip(a * x + c, 0, 1): y' = a * x' if 0 < y < 1, else 0; as in PyTorch, y' is 0 at both bounds
export const HardSigmoid: OpSpec<'HardSigmoid'> = {
  ...FLOAT_UNARY,
  attributes: { alpha: 'float', beta: 'float' },
  gradient: ({ b, outputs: [out], attributes: { alpha = 0.2 }, gradient: g }) => {
    const inside = b.add('And', [isPositive(b, out!), b.add('Less', [out!, b.scalar(1, out!)])]);
    return [b.add('Where', [inside, b.add('Mul', [g, scalarOf(b, alpha, g)]), b.scalar(0, g)])];
  },
};
