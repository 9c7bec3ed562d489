/** Cases of `ops/logic.ts`. */
import { elementwise, type Nd } from './arrays.ts';
import { bools, type Cases, constant, float, given, integers } from './harness.ts';

const binary = (f: (x: number, y: number) => boolean) => (inputs: readonly Nd[]) =>
  elementwise((x, y) => Number(f(x!, y!)), inputs[0]!, inputs[1]!);

const comparisons = [
  { inputs: [float(3), float(3)] },
  { inputs: [float(2, 1), float()] },
  { inputs: [float(0, 3), float(1, 3)] },
  { inputs: [integers('int64', [0, 3], 2, 3), integers('int64', [0, 3], 3)] },
  { inputs: [integers('int32', [0, 3], 'n'), integers('int32', [0, 3], 'm')], sizes: [{ n: 1, m: 4 }] },
];

const connectives = [
  { inputs: [bools(4), bools(4)] },
  { inputs: [bools(2, 1), bools(3)] },
  { inputs: [bools(0), bools()] },
  { inputs: [bools('n', 2), bools('m', 2)], sizes: [{ n: 1, m: 3 }] },
];

export const logicCases: Pick<
  Cases,
  'Equal' | 'Less' | 'LessOrEqual' | 'Greater' | 'GreaterOrEqual' | 'And' | 'Or' | 'Xor' | 'Not' | 'IsInf' | 'IsNaN'
> = {
  Equal: {
    reference: binary((x, y) => x === y),
    cases: [
      ...comparisons,
      { inputs: [bools(4), bools(4)] },
      { inputs: [constant('int64', [3], [1, -1, 2]), constant('int64', [], [-1])] },
      { inputs: [constant('int64', [2, 1], [1, 2]), constant('int64', [2], [2, 1])] },
    ],
  },
  Less: { reference: binary((x, y) => x < y), cases: comparisons },
  LessOrEqual: { reference: binary((x, y) => x <= y), cases: comparisons },
  Greater: { reference: binary((x, y) => x > y), cases: comparisons },
  GreaterOrEqual: { reference: binary((x, y) => x >= y), cases: comparisons },
  And: { reference: binary((x, y) => x === 1 && y === 1), cases: connectives },
  Or: { reference: binary((x, y) => x === 1 || y === 1), cases: connectives },
  Xor: { reference: binary((x, y) => x !== y), cases: connectives },
  Not: {
    reference: ([x]) => elementwise((p) => 1 - p!, x!),
    cases: [{ inputs: [bools()] }, { inputs: [bools(2, 3)] }, { inputs: [bools(0)] }],
  },
  IsInf: {
    reference: ([x], { detect_negative = 1, detect_positive = 1 }) =>
      elementwise(
        (p) =>
          Number(
            (detect_positive !== 0 && p === Number.POSITIVE_INFINITY) ||
              (detect_negative !== 0 && p === Number.NEGATIVE_INFINITY),
          ),
        x!,
      ),
    cases: [
      { inputs: [given('float32', [4], [Number.NaN, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, -1])] },
      {
        inputs: [given('float64', [3], [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, 2])],
        attributes: { detect_negative: 0 },
      },
      { inputs: [float()] },
    ],
  },
  IsNaN: {
    reference: ([x]) => elementwise((p) => Number(Number.isNaN(p)), x!),
    cases: [
      { inputs: [given('float64', [4], [Number.NaN, 0, Number.POSITIVE_INFINITY, -1])] },
      { inputs: [given('float32', [2, 1], [1, Number.NaN])] },
      { inputs: [float()] },
      { inputs: [float(0, 2)] },
    ],
  },
};
