/** Cases of `ops/logic.ts`. */
import { elementwise, type Nd } from './arrays.ts';
import { bools, type Cases, float, integers } from './harness.ts';

const binary = (f: (x: number, y: number) => boolean) => (inputs: readonly Nd[]) =>
  elementwise((x, y) => Number(f(x!, y!)), inputs[0]!, inputs[1]!);

const comparisons = [
  { inputs: [float(3), float(3)] },
  { inputs: [float(2, 1), float()] },
  { inputs: [float(0, 3), float(1, 3)] },
  { inputs: [integers('int64', [0, 3], 2, 3), integers('int64', [0, 3], 3)] },
  { inputs: [integers('int32', [0, 3], 'n'), integers('int32', [0, 3], 'm')], sizes: [{ n: 1, m: 4 }] },
];

export const logicCases: Pick<Cases, 'Equal' | 'Less' | 'Greater' | 'And' | 'Not'> = {
  Equal: {
    reference: binary((x, y) => x === y),
    cases: [...comparisons, { inputs: [bools(4), bools(4)] }],
  },
  Less: { reference: binary((x, y) => x < y), cases: comparisons },
  Greater: { reference: binary((x, y) => x > y), cases: comparisons },
  And: {
    reference: binary((x, y) => x === 1 && y === 1),
    cases: [{ inputs: [bools(4), bools(4)] }, { inputs: [bools(2, 1), bools(3)] }, { inputs: [bools(0), bools()] }],
  },
  Not: {
    reference: ([x]) => elementwise((p) => 1 - p!, x!),
    cases: [{ inputs: [bools()] }, { inputs: [bools(2, 3)] }, { inputs: [bools(0)] }],
  },
};
