/** Cases of `ops/generate.ts`. */
import { at, axisOf, fill, type Nd } from './arrays.ts';
import { bools, type CaseInput, type Cases, constant, float, float32, given, integers, ints } from './harness.ts';

const vector = (data: readonly number[]): Nd => ({ shape: [data.length], data });
const scalar = (value: number) => constant('int64', [], [value]);
const offOn = (off: number, on: number): CaseInput => constant('float32', [2], [off, on]);

export const generateCases: Pick<
  Cases,
  'Shape' | 'ConstantOfShape' | 'Range' | 'NonZero' | 'Size' | 'EyeLike' | 'OneHot'
> = {
  Shape: {
    reference: ([x], { start, end }) => vector(x!.shape.slice(start, end)),
    cases: [
      { inputs: [float()] },
      { inputs: [float(2, 0, 3)] },
      { inputs: [float(2, 3, 4)], attributes: { start: 1 } },
      { inputs: [float(2, 3, 4)], attributes: { start: -2, end: -1 } },
      { inputs: [float(2, 3)], attributes: { start: 2, end: 9 } },
    ],
  },
  ConstantOfShape: {
    reference: ([shape], { value = 0 }) => fill(shape!.data, () => value),
    cases: [
      { inputs: [ints(2, 3)] },
      { inputs: [ints()], attributes: { value: 2.5, dtype: 'float64' } },
      { inputs: [ints(0, 2)], attributes: { value: 1, dtype: 'float32' } },
      { inputs: [ints(3)], attributes: { value: -7, dtype: 'int64' } },
      { inputs: [ints(2)], attributes: { value: 1, dtype: 'bool' } },
      { inputs: [given('int64', [2], [1, 3])], attributes: { value: 1, dtype: 'int32' }, named: false },
    ],
  },
  Range: {
    reference: ([start, limit, delta]) => {
      const [from, to, step] = [start, limit, delta].map((x) => x!.data[0]!);
      const count = Math.max(0, Math.ceil((to! - from!) / step!));
      return vector(Array.from({ length: count }, (_, i) => from! + i * step!));
    },
    cases: [
      { inputs: [scalar(0), scalar(4), scalar(1)] },
      { inputs: [scalar(7), scalar(0), scalar(-3)] },
      { inputs: [scalar(3), scalar(1), scalar(1)] },
      { inputs: [scalar(0), scalar(100), scalar(1)] },
      { inputs: [scalar(0), given('int64', [], [3]), scalar(1)] },
      { inputs: [0, 1, 0.25].map((x) => constant('float32', [], [x])) },
    ],
  },
  NonZero: {
    reference: ([x]) => {
      const found: (readonly number[])[] = [];
      fill(x!.shape, (index) => (at(x!, index) === 0 ? 0 : found.push(index)));
      return fill([x!.shape.length, found.length], ([axis, i]) => found[i!]![axis!]!);
    },
    cases: [{ inputs: [bools(6)] }, { inputs: [bools(2, 3)] }, { inputs: [bools(0)] }, { inputs: [ints(0, 3, 0, 4)] }],
  },
  Size: {
    reference: ([x]) => ({ shape: [], data: [x!.data.length] }),
    cases: [
      { inputs: [float()] },
      { inputs: [float(2, 3)] },
      { inputs: [float(2, 0)] },
      { inputs: [float('n', 1)], sizes: [{ n: 4 }] },
      { inputs: [bools('n', 3)], sizes: [{ n: 4 }] },
    ],
  },
  EyeLike: {
    reference: ([x], { k = 0 }) => fill(x!.shape, ([i, j]) => Number(j! - i! === k)),
    cases: [
      { inputs: [float(3, 3)] },
      { inputs: [float(2, 4)], attributes: { k: 1 } },
      { inputs: [float(3, 2)], attributes: { k: -1, dtype: 'float32' } },
      { inputs: [float(2, 2)], attributes: { k: 5, dtype: 'int64' } },
      { inputs: [float(0, 2)] },
      { inputs: [integers('int64', [0, 9], 2, 3)], attributes: { dtype: 'float64' } },
    ],
  },
  OneHot: {
    reference: ([indices, depth, values], { axis = -1 }) => {
      const size = depth!.data[0]!;
      const along = axisOf(axis, indices!.shape.length + 1);
      const shape = [...indices!.shape.slice(0, along), size, ...indices!.shape.slice(along)];
      return fill(shape, (index) => {
        const i = at(indices!, index.toSpliced(along, 1));
        return values!.data[Number(index[along] === (i < 0 ? i + size : i))]!;
      });
    },
    cases: [
      { inputs: [integers('int64', [0, 3], 4), scalar(3), offOn(0, 1)] },
      { inputs: [integers('int64', [-3, 3], 2, 3), scalar(3), offOn(-1, 2)] },
      { inputs: [integers('int64', [0, 3], 2, 3), scalar(3), offOn(0, 1)], attributes: { axis: 1 } },
      { inputs: [integers('int64', [0, 3], 2), scalar(3), offOn(0, 1)], attributes: { axis: 0 } },
      { inputs: [given('int64', [3], [1, 7, -9]), scalar(3), offOn(0, 1)] },
      { inputs: [integers('int64', [0, 3], 0), scalar(3), offOn(0, 1)] },
      { inputs: [integers('int64', [0, 3], 'n'), scalar(4), float32(2)], sizes: [{ n: 3 }], named: false },
      { inputs: [integers('int64', [0, 3], 2, 2), scalar(3), float32(2)], attributes: { axis: -2 }, named: false },
      { inputs: [integers('int64', [0, 3], 4), given('int64', [], [3]), offOn(0, 1)] },
    ],
  },
};
