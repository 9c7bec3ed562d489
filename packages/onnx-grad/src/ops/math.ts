/** Elementwise functions of one value, and Mod. */
import { arithmetic, FLOAT_UNARY, onNumbers, refuse, requireNumber, sameAsInput } from './helpers.ts';
import type { InferContext, Inferred, OpSpec } from './spec.ts';

function numberUnary(c: { readonly inputs: InferContext<'Abs'>['inputs'] }): readonly Inferred[] {
  requireNumber(c.inputs[0]!);
  return sameAsInput(c);
}

// |x|' = sign(x) * x', which is 0 at x = 0, as in PyTorch
export const Abs: OpSpec<'Abs'> = {
  arity: [1, 1],
  attributes: {},
  infer: numberUnary,
  gradient: ({ b, inputs: [x], gradient: g }) => [b.add('Mul', [g, b.add('Sign', [x!])])],
};

/** A piecewise constant op. The reverse sweep stops at such an op, which is equivalent to PyTorch's gradient of 0. */
export const Sign: OpSpec<'Sign'> = { arity: [1, 1], attributes: {}, infer: numberUnary, gradient: 'none' };
export const Floor: OpSpec<'Floor'> = { ...FLOAT_UNARY, gradient: 'none' };
export const Ceil: OpSpec<'Ceil'> = { ...FLOAT_UNARY, gradient: 'none' };
/** Rounds to the nearest integer, and halves to the nearest even integer. */
export const Round: OpSpec<'Round'> = { ...FLOAT_UNARY, gradient: 'none' };

// (e^x)' = e^x * x'
export const Exp: OpSpec<'Exp'> = {
  ...FLOAT_UNARY,
  gradient: ({ b, outputs: [out], gradient: g }) => [b.add('Mul', [g, out!])],
};

// (1 / x)' = -x' / x^2
export const Reciprocal: OpSpec<'Reciprocal'> = {
  ...FLOAT_UNARY,
  gradient: ({ b, outputs: [out], gradient: g }) => [b.add('Mul', [b.add('Neg', [g]), b.add('Mul', [out!, out!])])],
};

// sin(x)' = cos(x) * x'
export const Sin: OpSpec<'Sin'> = {
  ...FLOAT_UNARY,
  gradient: ({ b, inputs: [x], gradient: g }) => [b.add('Mul', [g, b.add('Cos', [x!])])],
};

// cos(x)' = -sin(x) * x'
export const Cos: OpSpec<'Cos'> = {
  ...FLOAT_UNARY,
  gradient: ({ b, inputs: [x], gradient: g }) => [b.add('Neg', [b.add('Mul', [g, b.add('Sin', [x!])])])],
};

// erf(x)' = 2 / sqrt(pi) * e^(-x^2) * x'
export const Erf: OpSpec<'Erf'> = {
  arity: [1, 1],
  attributes: {},
  infer: ({ inputs }) => {
    if (inputs[0]!.dtype !== 'float32') refuse(`"${inputs[0]!.name}" is ${inputs[0]!.dtype}: Erf takes float32 only`);
    return sameAsInput({ inputs });
  },
  gradient: ({ b, inputs: [x], gradient: g }) => {
    const bell = b.add('Exp', [b.add('Neg', [b.add('Mul', [x!, x!])])]);
    return [b.add('Mul', [g, b.add('Mul', [bell, b.scalar(2 / Math.sqrt(Math.PI), g)])])];
  },
};

// fmod(x, y) = x - n * y with n = trunc(x / y), which is piecewise constant, so fmod(x, y)' = x' - n * y'
export const Mod: OpSpec<'Mod'> = {
  arity: [2, 2],
  attributes: { fmod: 'int' },
  infer: (c) => {
    const whole = c.inputs[0]!.dtype === 'int64' || c.inputs[0]!.dtype === 'int32';
    if (!whole && !c.attributes.fmod) refuse(`"${c.inputs[0]!.name}" is ${c.inputs[0]!.dtype}, so fmod must be 1`);
    // the result has the sign of the dividend if the attribute `fmod` is set, otherwise the sign of the divisor
    const modulo = c.attributes.fmod
      ? (x: number, y: number) => x % y
      : (x: number, y: number) => x - y * Math.floor(x / y);
    return arithmetic(c, (x, y) => (y === 0 ? null : onNumbers(modulo)(x, y)));
  },
  gradient: ({ b, inputs: [x, y], outputs: [out], gradient: g, wants }) => {
    // n is computed from the remainder and is therefore as exact as the remainder, whereas x / y could be rounded up to
    // the next whole number
    const times = () => b.add('Round', [b.add('Div', [b.add('Sub', [x!, out!]), y!])]);
    return [g, wants(1) ? b.add('Neg', [b.add('Mul', [g, times()])]) : null];
  },
};
