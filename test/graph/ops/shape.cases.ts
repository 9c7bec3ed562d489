/** Cases of `ops/shape.ts`. */
import { at, axisOf, elementwise, fill, type Nd } from './arrays.ts';
import { bools, type Cases, constant, float, given, integers, ints } from './harness.ts';

const vector = (data: readonly number[]): Nd => ({ shape: [data.length], data });
const scalar = (value: number) => constant('int64', [], [value]);
const clamp = (i: number, size: number) => Math.min(Math.max(i < 0 ? i + size : i, 0), size);
const product = (sizes: readonly number[]) => sizes.reduce((count, size) => count * size, 1);
/** Beyond every size, as exporters write "to the end". */
const END = 2 ** 62;

export const shapeCases: Pick<
  Cases,
  | 'Shape'
  | 'ConstantOfShape'
  | 'Range'
  | 'NonZero'
  | 'Expand'
  | 'Reshape'
  | 'Flatten'
  | 'Squeeze'
  | 'Unsqueeze'
  | 'Transpose'
  | 'Concat'
  | 'Slice'
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
    ],
  },
  Concat: {
    reference: (inputs, attributes) => {
      const axis = axisOf(attributes.axis, inputs[0]!.shape.length);
      const starts = inputs.map((_, i) => inputs.slice(0, i).reduce((sum, x) => sum + x.shape[axis]!, 0));
      const total = inputs.reduce((sum, x) => sum + x.shape[axis]!, 0);
      return fill(inputs[0]!.shape.with(axis, total), (index) => {
        // the last that starts there: empty ones start where the next one does
        const part = starts.findLastIndex((start) => start <= index[axis]!);
        return at(inputs[part]!, index.with(axis, index[axis]! - starts[part]!));
      });
    },
    cases: [
      { inputs: [float(3)], attributes: { axis: 0 } },
      { inputs: [float(2), float(3), float(1)], attributes: { axis: 0 } },
      { inputs: [float(2, 1), float(2, 3)], attributes: { axis: -1 } },
      { inputs: [float(2, 2, 1), float(2, 1, 1)], attributes: { axis: 1 } },
      { inputs: [float(0, 2), float(3, 2)], attributes: { axis: 0 } },
      { inputs: [float('n', 2), float('n', 3)], attributes: { axis: 1 }, sizes: [{ n: 2 }, { n: 0 }] },
      { inputs: [float('n', 2), float('m', 2), float(1, 2)], attributes: { axis: 0 }, sizes: [{ n: 2, m: 1 }] },
      { inputs: [ints(4, 5), integers('int64', [0, 9], 2)], attributes: { axis: 0 } },
    ],
  },
  Slice: {
    reference: ([x, starts, ends, axes]) => {
      const from = x!.shape.map(() => 0);
      const to = [...x!.shape];
      starts!.data.forEach((start, i) => {
        const axis = axes ? axisOf(axes.data[i]!, x!.shape.length) : i;
        from[axis] = clamp(start, x!.shape[axis]!);
        to[axis] = Math.max(from[axis]!, clamp(ends!.data[i]!, x!.shape[axis]!));
      });
      return fill(
        to.map((end, axis) => end - from[axis]!),
        (index) =>
          at(
            x!,
            index.map((i, axis) => i + from[axis]!),
          ),
      );
    },
    cases: [
      { inputs: [float(5), ints(1), ints(3)] },
      { inputs: [float(4, 3), ints(0), ints(2)] },
      { inputs: [float(4, 3), ints(1), ints(-1), ints(-2)] },
      { inputs: [float(4, 3), ints(-2, 0), ints(END, 2), ints(0, 1)] },
      { inputs: [float(4, 3), ints(1), ints(END), ints(1), ints(1)] },
      { inputs: [float(4, 3), ints(-9), ints(-1), ints(0)] },
      { inputs: [float(4), ints(3), ints(1)] },
      { inputs: [float(0, 3), ints(0), ints(2), ints(1)] },
      { inputs: [float('n', 3), ints(1), ints(END)], sizes: [{ n: 4 }, { n: 1 }] },
      { inputs: [float('n', 3), ints(-3), ints(-1)], sizes: [{ n: 4 }, { n: 2 }] },
      { inputs: [float('n', 2), ints(0), ints(END)], sizes: [{ n: 3 }] },
      { inputs: [float(4, 2), given('int64', [1], [1]), given('int64', [1], [-1])], named: false },
      { inputs: [integers('int64', [0, 9], 4), ints(1), ints(3)] },
      { inputs: [constant('int64', [4], [4, 5, 6, 7]), ints(-2), ints(END)] },
    ],
  },
};
