/** Cases of `ops/many.ts`. */
import { elementwise } from './arrays.ts';
import { type Case, type CaseInput, type Cases, constant, float, float32, integers } from './harness.ts';

type Floats = (...shape: Parameters<typeof float>) => CaseInput;

const cases = (of: Floats): readonly Case<'Max' | 'Min' | 'Sum' | 'Mean'>[] => [
  ...[[], [1], [3], [2, 3], [2, 0, 3]].map((shape) => ({ inputs: [of(...shape)] })),
  { inputs: [of(), of()] },
  { inputs: [of(3), of()] },
  { inputs: [of(2, 1, 3), of(4, 1)] },
  { inputs: [of(2, 1), of(2, 0)] },
  { inputs: [of(2, 1), of(3), of(2, 3)] },
  { inputs: [of('n', 3), of(2, 3)], sizes: [{ n: 2 }, { n: 1 }] },
  {
    inputs: [of('n'), of('m'), of('k')],
    sizes: [
      { n: 1, m: 4, k: 1 },
      { n: 2, m: 2, k: 2 },
    ],
  },
];
const wholes = [
  { inputs: [integers('int64', [-4, 5], 2, 3), integers('int64', [-4, 5], 3)] },
  { inputs: [integers('int32', [-4, 5], 3), constant('int32', [], [1])] },
];

export const manyCases: Pick<Cases, 'Max' | 'Min' | 'Sum' | 'Mean'> = {
  Max: { reference: (inputs) => elementwise(Math.max, ...inputs), cases: [...cases(float), ...wholes] },
  Min: { reference: (inputs) => elementwise(Math.min, ...inputs), cases: [...cases(float), ...wholes] },
  Sum: {
    reference: (inputs) => elementwise((...xs) => xs.reduce((sum, x) => sum + x, 0), ...inputs),
    cases: cases(float),
  },
  Mean: {
    reference: (inputs) => elementwise((...xs) => xs.reduce((sum, x) => sum + x, 0) / xs.length, ...inputs),
    cases: cases(float32),
  },
};
