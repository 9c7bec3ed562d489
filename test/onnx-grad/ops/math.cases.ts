/** Cases of `ops/math.ts` and `ops/power.ts`. */
import { elementwise, type Nd } from './arrays.ts';
import { type CaseInput, type Cases, constant, float, float32, given, integers, positive } from './harness.ts';

const unary = (f: (x: number) => number) => (inputs: readonly Nd[]) => elementwise(f, inputs[0]!);

const SHAPES: readonly (readonly number[])[] = [[], [2, 3], [2, 0, 3]];
export const unaryCases = (input: (...shape: number[]) => CaseInput) =>
  SHAPES.map((shape) => ({ inputs: [input(...shape)] }));

const wholes = [{ inputs: [integers('int64', [-3, 4], 5)] }, { inputs: [integers('int32', [-3, 4], 5)] }];
/** Halves next to even and odd numbers, whole numbers and values in between. */
const halves = { inputs: [given('float64', [10], [-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, -1, 2, -0.75, 0.3])] };

/** Rounds to the nearest whole number, halves to the even one. */
function round(x: number): number {
  const low = Math.floor(x);
  if (x - low !== 0.5) return Math.round(x);
  return low % 2 === 0 ? low : low + 1;
}

/** Abramowitz and Stegun's series 7.1.5, exact to double rounding near 0. */
function erf(x: number): number {
  let term = x;
  let sum = x;
  for (let n = 1; n < 60; n++) {
    term *= -(x * x) / n;
    sum += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}

export const mathCases: Pick<
  Cases,
  'Abs' | 'Sign' | 'Floor' | 'Ceil' | 'Round' | 'Exp' | 'Reciprocal' | 'Sin' | 'Cos' | 'Erf' | 'Mod' | 'Pow'
> = {
  Abs: { reference: unary(Math.abs), cases: [...unaryCases(float), ...wholes] },
  Sign: {
    reference: unary(Math.sign),
    cases: [...unaryCases(float), ...wholes, { inputs: [given('float64', [2], [0, -3])] }],
  },
  Floor: { reference: unary(Math.floor), cases: [...unaryCases(float), halves] },
  Ceil: { reference: unary((x) => Math.ceil(x) + 0), cases: [...unaryCases(float), halves] },
  Round: { reference: unary((x) => round(x) + 0), cases: [...unaryCases(float), halves] },
  Exp: { reference: unary(Math.exp), cases: unaryCases(float) },
  Reciprocal: { reference: unary((x) => 1 / x), cases: unaryCases(float) },
  Sin: { reference: unary(Math.sin), cases: unaryCases(float) },
  Cos: { reference: unary(Math.cos), cases: unaryCases(float) },
  Erf: { reference: unary(erf), cases: unaryCases(float32) },
  Mod: {
    reference: ([x, y], { fmod = 0 }) =>
      elementwise((p, q) => (fmod ? p! % q! : p! - q! * Math.floor(p! / q!)) + 0, x!, y!),
    cases: [
      { inputs: [integers('int64', [-9, 10], 2, 3), integers('int64', [1, 5], 3)] },
      { inputs: [integers('int64', [-9, 10], 6), given('int64', [], [-4])] },
      { inputs: [integers('int32', [-9, 10], 'n'), integers('int32', [1, 5], 'm')], sizes: [{ n: 4, m: 1 }] },
      { inputs: [integers('int64', [-9, 10], 6), given('int64', [], [-4])], attributes: { fmod: 1 } },
      { inputs: [constant('int64', [2], [-7, 7]), constant('int64', [], [3])] },
      { inputs: [constant('int64', [2], [-7, 7]), constant('int64', [], [3])], attributes: { fmod: 1 } },
      { inputs: [float(6), float()], attributes: { fmod: 1 } },
      { inputs: [float(2, 3), constant('float64', [3], [0.3, -0.4, 0.5])], attributes: { fmod: 1 } },
      { inputs: [float(2, 1), float(3)], attributes: { fmod: 1 } },
      { inputs: [float(0), float(1)], attributes: { fmod: 1 } },
    ],
  },
  Pow: {
    reference: ([x, y]) => elementwise((p, q) => p! ** q!, x!, y!),
    cases: [
      // an exponent for each element, with its own gradient
      { inputs: [positive(), float()] },
      { inputs: [positive(2, 3), float(3)] },
      { inputs: [positive(3), float(2, 1)] },
      { inputs: [positive(0, 1), float(3)] },
      {
        inputs: [positive('n', 2), float('m', 2)],
        sizes: [
          [3, 1],
          [1, 3],
          [2, 2],
        ].map(([n, m]) => ({ n: n!, m: m! })),
      },
      // one exponent for all
      ...[2, 3, 1, 0, -1, -2].map((y) => ({ inputs: [float(2, 3), constant('float64', [], [y])] })),
      ...[0.5, -1.5].map((y) => ({ inputs: [positive(4), constant('float64', [1], [y])] })),
      { inputs: [given('float64', [3], [0, 0.5, -0.5]), constant('float64', [], [2])] },
      { inputs: [given('float64', [3], [0, 0.5, -0.5]), constant('float64', [], [3])] },
      { inputs: [given('float64', [3], [0, 0.5, -0.5]), constant('float64', [1, 1], [1])] },
      // several constant ones, base 0 among them
      { inputs: [given('float64', [4], [0, 0, 0, -2]), constant('float64', [4], [0, 1, 2, 3])] },
      { inputs: [given('float64', [2, 1], [0, -2]), constant('float64', [3], [2, 3, 4])] },
      // other types of exponents
      { inputs: [float(3), constant('int64', [], [2])] },
      { inputs: [float(3), constant('float32', [], [3])] },
      { inputs: [float(3), given('int64', [3], [0, 2, -3])] },
      { inputs: [float(3), given('int32', [3], [1, 2, 3])] },
      { inputs: [given('float64', [3], [1.5, 2, 1.75]), float32(3)] },
      { inputs: [integers('int64', [-3, 4], 4), constant('int64', [], [3])] },
      { inputs: [integers('int32', [-3, 4], 4), integers('int64', [0, 4], 4)] },
    ],
  },
};
