/** Elementwise arithmetic on one or two values, with broadcasting. */
import { typeText } from '../graph/tensor.ts';
import {
  arithmetic,
  broadcastOf,
  FLOAT_UNARY,
  knownOf,
  onNumbers,
  refuse,
  requireFloat,
  requireNumber,
  sameAsInput,
} from './helpers.ts';
import type { Inferred, OpSpec } from './spec.ts';

// (x + y)' = x' + y'
export const Add: OpSpec<'Add'> = {
  arity: [2, 2],
  attributes: {},
  infer: (c) => arithmetic(c, (a, b) => (b === 0 ? a : a === 0 ? b : onNumbers((x, y) => x + y)(a, b))),
  gradient: ({ gradient: g }) => [g, g],
};

// (x - y)' = x' - y'
export const Sub: OpSpec<'Sub'> = {
  arity: [2, 2],
  attributes: {},
  infer: (c) => arithmetic(c, (a, b) => (b === 0 ? a : onNumbers((x, y) => x - y)(a, b))),
  gradient: ({ b, gradient: g, wants }) => [g, wants(1) ? b.add('Neg', [g]) : null],
};

// (x * y)' = x' * y + x * y'
export const Mul: OpSpec<'Mul'> = {
  arity: [2, 2],
  attributes: {},
  infer: (c) => arithmetic(c, (a, b) => (b === 1 ? a : a === 1 ? b : onNumbers((x, y) => x * y)(a, b))),
  gradient: ({ b, inputs: [x, y], gradient: g, wants }) => [
    wants(0) ? b.add('Mul', [g, y!]) : null,
    wants(1) ? b.add('Mul', [g, x!]) : null,
  ],
};

// (x / y)' = x' / y - (x / y) * y' / y
export const Div: OpSpec<'Div'> = {
  arity: [2, 2],
  attributes: {},
  infer: (c) => arithmetic(c, (a, b) => (b === 1 ? a : b === 0 ? null : onNumbers((x, y) => Math.trunc(x / y))(a, b))),
  gradient: ({ b, inputs: [, y], outputs: [out], gradient: g, wants }) => [
    wants(0) ? b.add('Div', [g, y!]) : null,
    wants(1) ? b.add('Neg', [b.add('Div', [b.add('Mul', [g, out!]), y!])]) : null,
  ],
};

// (-x)' = -x'
export const Neg: OpSpec<'Neg'> = {
  arity: [1, 1],
  attributes: {},
  infer: (c) => {
    requireNumber(c.inputs[0]!);
    return sameAsInput(c);
  },
  gradient: ({ b, gradient: g }) => [b.add('Neg', [g])],
};

// sqrt(x)' = x' / (2 * sqrt(x))
export const Sqrt: OpSpec<'Sqrt'> = {
  ...FLOAT_UNARY,
  gradient: ({ b, outputs: [out], gradient: g }) => {
    // if x and the incoming gradient are 0, as for a clamped norm, the result is 0, because 0 / 0 would be NaN;
    // PyTorch's norms and cosines also yield 0
    const zero = b.scalar(0, g);
    const idle = b.add('And', [b.add('Equal', [g, zero]), b.add('Equal', [out!, zero])]);
    return [b.add('Div', [b.add('Mul', [g, b.scalar(0.5, g)]), b.add('Where', [idle, b.scalar(1, g), out!])])];
  },
};

// log(x)' = x' / x
export const Log: OpSpec<'Log'> = {
  ...FLOAT_UNARY,
  gradient: ({ b, inputs: [x], gradient: g }) => [b.add('Div', [g, x!])],
};

// relu(x)' = x' if x > 0, else 0; as in PyTorch, relu'(0) = 0
export const Relu: OpSpec<'Relu'> = {
  ...FLOAT_UNARY,
  gradient: ({ b, inputs: [x], gradient: g }) => [
    b.add('Where', [b.add('Greater', [x!, b.scalar(0, x!)]), g, b.scalar(0, g)]),
  ],
};

// s = sigmoid(x): s' = x' * (1 - s) * s, multiplied in PyTorch's order
export const Sigmoid: OpSpec<'Sigmoid'> = {
  ...FLOAT_UNARY,
  gradient: ({ b, outputs: [s], gradient: g }) => [
    b.add('Mul', [b.add('Mul', [g, b.add('Sub', [b.scalar(1, s!), s!])]), s!]),
  ],
};

// clip(x)' = x' if low <= x <= high, else 0; as in PyTorch, the bounds are included
export const Clip: OpSpec<'Clip'> = {
  arity: [1, 3],
  attributes: {},
  infer: ({ inputs }) => {
    requireNumber(inputs[0]!);
    for (const bound of inputs.slice(1)) {
      if (bound && (bound.shape.length !== 0 || bound.dtype !== inputs[0]!.dtype))
        refuse(`a bound is ${typeText(bound)}, not a scalar ${inputs[0]!.dtype}`);
    }
    return sameAsInput({ inputs });
  },
  gradient: ({ b, inputs: [x, low, high], gradient: g, wants }) => {
    if (wants(1) || wants(2)) refuse('the bounds of Clip have no gradient');
    let out = g;
    if (low) out = b.add('Where', [b.add('Less', [x!, low]), b.scalar(0, g), out]);
    if (high) out = b.add('Where', [b.add('Greater', [x!, high]), b.scalar(0, g), out]);
    return [out, null, null];
  },
};

// (c ? x : y)' = c ? x' : y'
export const Where: OpSpec<'Where'> = {
  arity: [3, 3],
  attributes: {},
  infer: ({ inputs, freshDim }) => {
    const [condition, x, y] = inputs;
    if (condition!.dtype !== 'bool') refuse(`the condition is ${condition!.dtype}, not bool`);
    const { dtype } = broadcastOf({ inputs: [x!, y!], freshDim });
    if (dtype === 'bool') refuse('ONNX Runtime has no Where for booleans: use And, Or and Not');
    const { shape } = broadcastOf({ inputs: inputs.map((input) => ({ ...input!, dtype })), freshDim });
    return [
      { dtype, shape, known: knownOf(inputs, shape, (c, p, q) => (c === 1 || p === q ? p! : c === 0 ? q! : null)) },
    ];
  },
  gradient: ({ b, inputs: [condition], gradient: g, wants }) => {
    const zero = b.scalar(0, g);
    return [
      null,
      wants(1) ? b.add('Where', [condition!, g, zero]) : null,
      wants(2) ? b.add('Where', [condition!, zero, g]) : null,
    ];
  },
};

// a cast between floats is linear; a cast to or from an integer has no gradient
export const Cast: OpSpec<'Cast'> = {
  arity: [1, 1],
  attributes: { to: 'dtype' },
  infer: ({ inputs: [x], attributes: { to } }): readonly Inferred[] => [
    { dtype: to, shape: x!.shape, known: to === 'int64' || to === 'int32' ? x!.known : undefined },
  ],
  gradient: ({ b, inputs: [x], gradient: g }) => {
    requireFloat(x!);
    return [b.add('Cast', [g], { to: x!.dtype })];
  },
};

export const Identity: OpSpec<'Identity'> = {
  arity: [1, 1],
  attributes: {},
  infer: ({ inputs: [x] }) => [{ dtype: x!.dtype, shape: x!.shape, known: x!.known }],
  gradient: ({ gradient: g }) => [g],
};
