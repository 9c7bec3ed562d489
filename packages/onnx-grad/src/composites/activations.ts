/** Activations that are replaced by other ops: Celu, Gelu, HardSwish, Mish. */
import { refuse } from '../ops/helpers.ts';
import type { CompositeSpec } from './spec.ts';

// gelu(x) = x * (1 + erf(x / sqrt(2))) / 2, with the ops in the order that ONNX Runtime fuses into one kernel; the
// approximation is x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x^3))) / 2
export const Gelu: CompositeSpec<'Gelu'> = {
  arity: [1, 1],
  outputs: 1,
  attributes: { approximate: 'string' },
  decompose: ({ b, inputs, attributes: { approximate = 'none' }, output }) => {
    const x = inputs[0]!;
    const scalar = (value: number) => b.scalar(value, x);
    if (approximate === 'none') {
      const erf = b.add('Erf', [b.add('Div', [x, scalar(Math.SQRT2)])]);
      b.add('Mul', [b.add('Mul', [x, b.add('Add', [erf, scalar(1)])]), scalar(0.5)], {}, output(0));
    } else if (approximate === 'tanh') {
      const cube = b.add('Mul', [b.add('Mul', [x, x]), x]);
      const inner = b.add('Add', [x, b.add('Mul', [cube, scalar(0.044715)])]);
      const tanh = b.add('Tanh', [b.add('Mul', [inner, scalar(Math.sqrt(2 / Math.PI))])]);
      b.add('Mul', [b.add('Mul', [x, b.add('Add', [tanh, scalar(1)])]), scalar(0.5)], {}, output(0));
    } else refuse(`approximate must be none or tanh, not "${approximate}"`);
  },
};

// hardswish(x) = x * clip(x / 6 + 1/2, 0, 1)
export const HardSwish: CompositeSpec<'HardSwish'> = {
  arity: [1, 1],
  outputs: 1,
  attributes: {},
  decompose: ({ b, inputs, output }) => {
    const gate = b.add('HardSigmoid', [inputs[0]!], { alpha: Math.fround(1 / 6), beta: 0.5 });
    b.add('Mul', [inputs[0]!, gate], {}, output(0));
  },
};

// mish(x) = x * tanh(log(1 + e^x))
export const Mish: CompositeSpec<'Mish'> = {
  arity: [1, 1],
  outputs: 1,
  attributes: {},
  decompose: ({ b, inputs, output }) => {
    const gate = b.add('Tanh', [b.add('Softplus', [inputs[0]!])]);
    b.add('Mul', [inputs[0]!, gate], {}, output(0));
  },
};

// celu(x) = a * elu(x / a), with elu(x) = x if x > 0, else e^x - 1
export const Celu: CompositeSpec<'Celu'> = {
  arity: [1, 1],
  outputs: 1,
  attributes: { alpha: 'float' },
  decompose: ({ b, inputs, attributes: { alpha = 1 }, output }) => {
    const x = inputs[0]!;
    const scale = b.scalar(Math.fround(alpha), x);
    b.add('Mul', [b.add('Elu', [b.add('Div', [x, scale])]), scale], {}, output(0));
  },
};
