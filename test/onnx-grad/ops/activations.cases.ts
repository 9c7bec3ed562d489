/** Cases of `ops/activations.ts`. */
import { elementwise, type Nd } from './arrays.ts';
import { type Cases, float, given } from './harness.ts';
import { unaryCases } from './math.cases.ts';

const unary = (f: (x: number) => number) => (inputs: readonly Nd[]) => elementwise(f, inputs[0]!);
/** Attributes are float32. */
const f32 = Math.fround;
/** Extreme values, for which an exponential overflows. */
const far = { inputs: [given('float64', [4], [-800, -30, 30, 800])] };

export const activationCases: Pick<
  Cases,
  'Tanh' | 'LeakyRelu' | 'PRelu' | 'Elu' | 'Selu' | 'Softplus' | 'Softsign' | 'HardSigmoid'
> = {
  Tanh: { reference: unary(Math.tanh), cases: [...unaryCases(float), far] },
  LeakyRelu: {
    reference: ([x], { alpha = 0.01 }) => elementwise((p) => (p! >= 0 ? p! : f32(alpha) * p!), x!),
    cases: [...unaryCases(float), ...unaryCases(float).map((item) => ({ ...item, attributes: { alpha: 0.3 } }))],
  },
  PRelu: {
    reference: ([x, slope]) => elementwise((p, s) => (p! >= 0 ? p! : s! * p!), x!, slope!),
    cases: [
      { inputs: [float(), float()] },
      { inputs: [float(6), float(1)] },
      { inputs: [float(2, 3), float(3)] },
      { inputs: [float(2, 3), float()] },
      { inputs: [float(2, 3, 2), float(3, 1)] },
      { inputs: [float(2, 0), float(1)] },
      { inputs: [float('n', 3), float(3)], sizes: [{ n: 2 }, { n: 1 }] },
      {
        inputs: [float('n', 2), float('m', 2)],
        sizes: [
          { n: 3, m: 1 },
          { n: 3, m: 3 },
        ],
      },
    ],
  },
  Elu: {
    reference: ([x], { alpha = 1 }) => elementwise((p) => (p! >= 0 ? p! : f32(alpha) * Math.expm1(p!)), x!),
    cases: [...unaryCases(float), ...unaryCases(float).map((item) => ({ ...item, attributes: { alpha: 0.3 } })), far],
  },
  Selu: {
    reference: ([x], { alpha = 1.67326324, gamma = 1.05070102 }) =>
      elementwise((p) => f32(gamma) * (p! > 0 ? p! : f32(alpha) * Math.expm1(p!)), x!),
    cases: [
      ...unaryCases(float),
      ...unaryCases(float).map((item) => ({ ...item, attributes: { alpha: 0.5, gamma: 2 } })),
      far,
    ],
  },
  Softplus: {
    reference: unary((x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)))),
    // ONNX Runtime's float64 overflows for extreme values
    cases: [...unaryCases(float), { inputs: [given('float32', [4], [-80, -20, 20, 100])] }],
  },
  Softsign: { reference: unary((x) => x / (1 + Math.abs(x))), cases: [...unaryCases(float), far] },
  HardSigmoid: {
    reference: ([x], { alpha = 0.2, beta = 0.5 }) =>
      elementwise((p) => Math.min(Math.max(f32(alpha) * p! + f32(beta), 0), 1), x!),
    cases: [
      ...unaryCases(float),
      ...unaryCases(float).map((item) => ({ ...item, attributes: { alpha: 1 } })),
      { inputs: [float(6)], attributes: { alpha: 1 / 6, beta: 0.25 } },
      far,
    ],
  },
};
