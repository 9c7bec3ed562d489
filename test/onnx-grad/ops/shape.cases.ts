/** Cases of `ops/shape.ts`. */
import { at, axisOf, elementwise, fill } from './arrays.ts';
import { type Cases, constant, float, given, integers, ints } from './harness.ts';

const product = (sizes: readonly number[]) => sizes.reduce((count, size) => count * size, 1);

export const shapeCases: Pick<
  Cases,
  'Expand' | 'Reshape' | 'Flatten' | 'Squeeze' | 'Unsqueeze' | 'Transpose' | 'Tile'
> = {
  Expand: {
    reference: ([x, shape]) =>
      elementwise(
        (p) => p!,
        x!,
        fill(shape!.data, () => 0),
      ),
    cases: [
      { inputs: [float(), ints(2, 3)] },
      { inputs: [float(3), ints(2, 3)] },
      { inputs: [float(2, 1), ints(2, 4)] },
      { inputs: [float(2, 1), ints(1)] },
      { inputs: [float(2, 3), ints()] },
      { inputs: [float(1, 3), ints(0, 3)] },
      { inputs: [float('n', 2), given('int64', [2], [3, 2])], sizes: [{ n: 1 }, { n: 3 }], named: false },
      { inputs: [constant('int64', [2, 1], [4, 5]), ints(2, 2)] },
    ],
  },
  Reshape: {
    reference: ([x, shape], { allowzero }) => {
      const copied = shape!.data.map((size, i) => (size === 0 && !allowzero ? x!.shape[i]! : size));
      const others = product(copied.filter((size) => size !== -1));
      return { shape: copied.map((size) => (size === -1 ? x!.data.length / others : size)), data: x!.data };
    },
    cases: [
      { inputs: [float(2, 3), ints(3, 2)] },
      { inputs: [float(2, 3), ints(-1)] },
      { inputs: [float(2, 3), ints(0, -1, 1)] },
      { inputs: [float(1, 1), ints()] },
      { inputs: [float(), ints(1, -1)] },
      { inputs: [float(0, 3), ints(3, 0)], attributes: { allowzero: 1 } },
      { inputs: [float(0, 3), ints(-1, 3)] },
      { inputs: [float('n', 2, 3), ints(-1, 6)], sizes: [{ n: 2 }, { n: 0 }] },
      { inputs: [float('n', 6), ints(0, 2, 3)], sizes: [{ n: 2 }] },
      { inputs: [float(2, 3), given('int64', [2], [-1, 2])], named: false },
    ],
  },
  Flatten: {
    reference: ([x], { axis = 1 }) => {
      const split = axisOf(axis, x!.shape.length);
      return { shape: [product(x!.shape.slice(0, split)), product(x!.shape.slice(split))], data: x!.data };
    },
    cases: [
      { inputs: [float(2, 3, 2)] },
      { inputs: [float(2, 3, 2)], attributes: { axis: 0 } },
      { inputs: [float(2, 3)], attributes: { axis: 2 } },
      { inputs: [float(2, 3, 2)], attributes: { axis: -1 } },
      { inputs: [float(3)] },
      { inputs: [float()], attributes: { axis: 0 } },
      { inputs: [float(2, 0, 3)] },
    ],
  },
  Squeeze: {
    reference: ([x, axes]) => {
      const gone = axes?.data.map((axis) => axisOf(axis, x!.shape.length));
      return { shape: x!.shape.filter((size, axis) => (gone ? !gone.includes(axis) : size !== 1)), data: x!.data };
    },
    cases: [
      { inputs: [float(1, 3, 1)], named: false },
      { inputs: [float(1, 3, 1), ints(0)] },
      { inputs: [float(1, 3, 1), ints(-1, 0)] },
      { inputs: [float(1), ints(0)] },
      { inputs: [float(0, 1), ints(1)] },
      { inputs: [float('n', 1), ints(1)], sizes: [{ n: 3 }] },
    ],
  },
  Unsqueeze: {
    reference: ([x, axes]) => {
      const rank = x!.shape.length + axes!.data.length;
      const added = axes!.data.map((axis) => axisOf(axis, rank));
      const rest = [...x!.shape];
      return { shape: Array.from({ length: rank }, (_, i) => (added.includes(i) ? 1 : rest.shift()!)), data: x!.data };
    },
    cases: [
      { inputs: [float(), ints(0)] },
      { inputs: [float(3), ints(0)] },
      { inputs: [float(2, 3), ints(-1, 1)] },
      { inputs: [float(2, 3), ints(3, 0)] },
      { inputs: [float(0), ints(1)] },
    ],
  },
  Transpose: {
    reference: ([x], { perm }) =>
      fill(
        perm.map((axis) => x!.shape[axis]!),
        (index) =>
          at(
            x!,
            perm.map((_, axis) => index[perm.indexOf(axis)]!),
          ),
      ),
    cases: [
      { inputs: [float(2, 3)], attributes: { perm: [1, 0] } },
      { inputs: [float(2, 3, 4)], attributes: { perm: [1, 2, 0] } },
      { inputs: [float(2, 0, 1)], attributes: { perm: [2, 0, 1] } },
      { inputs: [float()], attributes: { perm: [] } },
      { inputs: [constant('int64', [2, 3], [1, 2, 3, 4, 5, 6])], attributes: { perm: [1, 0] } },
    ],
  },
  Tile: {
    reference: ([x, repeats]) =>
      fill(
        x!.shape.map((size, axis) => size * repeats!.data[axis]!),
        (index) =>
          at(
            x!,
            index.map((i, axis) => i % x!.shape[axis]!),
          ),
      ),
    cases: [
      { inputs: [float(3), ints(2)] },
      { inputs: [float(2, 3), ints(1, 2)] },
      { inputs: [float(2, 3), ints(3, 1)] },
      { inputs: [float(2, 1, 2), ints(2, 3, 2)] },
      { inputs: [float(2, 3), ints(0, 2)] },
      { inputs: [float(0, 2), ints(2, 2)] },
      { inputs: [float(2, 3), ints(1, 1)] },
      { inputs: [float('n', 2), ints(2, 1)], sizes: [{ n: 3 }, { n: 0 }] },
      { inputs: [float(2, 2), given('int64', [2], [1, 3])], named: false },
      { inputs: [float('n', 1), given('int64', [2], [2, 3])], sizes: [{ n: 1 }, { n: 2 }], named: false },
      { inputs: [constant('int64', [2], [4, 5]), ints(2)] },
      { inputs: [integers('int64', [0, 9], 2, 2), ints(1, 2)] },
    ],
  },
};
