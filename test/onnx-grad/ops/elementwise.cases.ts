/** Cases of `ops/elementwise.ts`. */
import { elementwise, type Nd } from './arrays.ts';
import { bools, type CaseInput, type Cases, constant, float, float32, integers, positive } from './harness.ts';

const unary = (f: (x: number) => number) => (inputs: readonly Nd[]) => elementwise(f, inputs[0]!);
const binary = (f: (x: number, y: number) => number) => (inputs: readonly Nd[]) =>
  elementwise((x, y) => f(x!, y!), inputs[0]!, inputs[1]!);

const SHAPES: readonly (readonly number[])[] = [[], [1], [3], [2, 3], [2, 0, 3]];
const unaryCases = (input: (...shape: number[]) => CaseInput) => SHAPES.map((shape) => ({ inputs: [input(...shape)] }));

/** Pairs of shapes in every relation that broadcasting allows. */
const PAIRS: readonly (readonly [readonly number[], readonly number[]])[] = [
  [[], []],
  [[3], []],
  [[2, 3], [3]],
  [[3], [2, 3]],
  [
    [2, 1, 3],
    [4, 1],
  ],
  [
    [1, 1],
    [2, 2],
  ],
  [[1], [1]],
  [[0], [1]],
  [
    [2, 1],
    [2, 0],
  ],
];
const binaryCases = (left: (...shape: number[]) => CaseInput, right: (...shape: number[]) => CaseInput) =>
  PAIRS.map(([x, y]) => ({ inputs: [left(...x), right(...y)] }));

/** Two names: it is only known at run time which of them is 1. */
const meeting = (left: typeof float, right: typeof float) => ({
  inputs: [left('n', 2), right('m', 2)],
  sizes: [
    { n: 3, m: 3 },
    { n: 1, m: 3 },
    { n: 3, m: 1 },
    { n: 1, m: 1 },
    { n: 0, m: 1 },
  ],
});
/** A name with a number, and with itself. */
const mixed = (left: typeof float, right: typeof float) => [
  { inputs: [left('n', 3), right(2, 3)], sizes: [{ n: 2 }, { n: 1 }] },
  { inputs: [left('n', 3), right('n', 1)], sizes: [{ n: 2 }, { n: 1 }] },
];
const whole = (low: number) => ({
  inputs: [integers('int64', [low, 5], 2, 3), integers('int64', [low, 5], 3)],
});
/** Elements that the graph tracks without running. */
const known = [
  { inputs: [constant('int64', [2, 1], [3, 4]), constant('int64', [1, 2], [1, 2])] },
  { inputs: [constant('int64', [0], []), constant('int64', [1], [2])] },
  { inputs: [constant('int64', [2], [-7, 7]), constant('int64', [], [2])] },
];
const arithmetic = (right: typeof float, low = -4) => [
  ...known,
  ...binaryCases(float, right),
  meeting(float, right),
  ...mixed(float, right),
  whole(low),
];

export const elementwiseCases: Pick<
  Cases,
  'Add' | 'Sub' | 'Mul' | 'Div' | 'Neg' | 'Sqrt' | 'Log' | 'Relu' | 'Sigmoid' | 'Clip' | 'Where' | 'Cast' | 'Identity'
> = {
  Add: { reference: binary((x, y) => x + y), cases: arithmetic(float) },
  Sub: { reference: binary((x, y) => x - y), cases: arithmetic(float) },
  Mul: { reference: binary((x, y) => x * y), cases: arithmetic(float) },
  Div: {
    reference: ([x, y]) =>
      // the only integers here are int64, whose quotient is truncated
      elementwise((p, q) => ([p, q].every(Number.isInteger) ? Math.trunc(p! / q!) : p! / q!), x!, y!),
    cases: [
      ...known,
      ...binaryCases(float, float),
      meeting(float, positive),
      ...mixed(float, float),
      { inputs: [integers('int64', [-9, 10], 2, 3), integers('int64', [1, 4], 3)] },
    ],
  },
  Neg: { reference: unary((x) => -x), cases: [...unaryCases(float), { inputs: [integers('int64', [-3, 4], 3)] }] },
  Sqrt: { reference: unary(Math.sqrt), cases: unaryCases(positive) },
  Log: { reference: unary(Math.log), cases: unaryCases(positive) },
  Relu: { reference: unary((x) => Math.max(x, 0)), cases: unaryCases(float) },
  Sigmoid: { reference: unary((x) => 1 / (1 + Math.exp(-x))), cases: unaryCases(float) },
  Identity: { reference: unary((x) => x), cases: [...unaryCases(float), { inputs: [bools(3)] }] },
  Clip: {
    reference: ([x, low, high]) =>
      elementwise((p) => Math.min(Math.max(p!, low?.data[0] ?? -Infinity), high?.data[0] ?? Infinity), x!),
    cases: [
      ...SHAPES.map((shape) => ({
        inputs: [float(...shape), constant('float64', [], [-0.5]), constant('float64', [], [0.75])],
      })),
      { inputs: [float(6)] },
      { inputs: [float(6), null, constant('float64', [], [0.5])] },
      { inputs: [float(6), constant('float64', [], [0.5])] },
      { inputs: [integers('int64', [-5, 6], 6), constant('int64', [], [-1]), constant('int64', [], [2])] },
    ],
  },
  Where: {
    reference: ([condition, x, y]) => elementwise((c, p, q) => (c ? p! : q!), condition!, x!, y!),
    cases: [
      { inputs: [bools(), float(), float()] },
      { inputs: [bools(3), float(3), float(3)] },
      { inputs: [bools(2, 1), float(3), float()] },
      { inputs: [bools(), float(2, 1), float(1, 3)] },
      { inputs: [bools(2, 3), float(1), float(3)] },
      { inputs: [bools(0, 1), float(1, 3), float(3)] },
      { inputs: [bools('c'), float('x'), float('y')], sizes: [3, 1].map((c) => ({ c, x: 1, y: 3 })) },
      { inputs: [bools(2), integers('int64', [-3, 4], 2), integers('int64', [-3, 4])] },
    ],
  },
  Cast: {
    reference: ([x], { to }) =>
      elementwise((p) => (to === 'bool' ? Number(p !== 0) : to.startsWith('int') ? Math.trunc(p!) : p!), x!),
    cases: [
      { inputs: [float32(2, 3)], attributes: { to: 'float64' } },
      { inputs: [float32(2, 0)], attributes: { to: 'float32' } },
      { inputs: [float(3)], attributes: { to: 'float64' } },
      { inputs: [integers('int64', [-3, 4], 3)], attributes: { to: 'float64' } },
      { inputs: [bools(3)], attributes: { to: 'float32' } },
      { inputs: [float(4)], attributes: { to: 'int64' } },
      { inputs: [float(4)], attributes: { to: 'int32' } },
      { inputs: [integers('int32', [-1, 2], 4)], attributes: { to: 'bool' } },
    ],
  },
};
