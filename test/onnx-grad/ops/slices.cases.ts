/** Cases of `ops/slices.ts`. */
import { at, axisOf, fill, type Nd } from './arrays.ts';
import { type Case, type Cases, constant, float, given, integers, ints } from './harness.ts';

/** Larger than any size, as exporters write "to the end". */
const END = 2 ** 62;
const range = (count: number) => Array.from({ length: count }, (_, i) => i);

/** The positions of start:end:step, as in Python. */
function placesOf(start: number, end: number, step: number, size: number): number[] {
  const [low, high] = step > 0 ? [0, size] : [-1, size - 1];
  const clamp = (i: number) => Math.min(Math.max(i < 0 ? i + size : i, low), high);
  const places: number[] = [];
  for (let i = clamp(start); step > 0 ? i < clamp(end) : i > clamp(end); i += step) places.push(i);
  return places;
}

/** The elements of `x` at `places` of one axis. */
const take = (x: Nd, axis: number, places: readonly number[]): Nd =>
  fill(x.shape.with(axis, places.length), (index) => at(x, index.with(axis, places[index[axis]!]!)));

const vector = (n: number) => float(n);
/** Every kind of bounds at a step that is not 1. */
const stepCases: readonly Case<'Slice'>[] = (
  [
    [0, END, 2],
    [1, END, 3],
    [-1, -END, -1],
    [-1, -END, -2],
    [4, 0, -2],
    [1, 3, -1],
    [9, -9, -3],
    [-2, 1, -1],
  ] as const
).flatMap(([start, end, step]) => {
  const bounds = [ints(start), ints(end), ints(0), ints(step)];
  const unknown = [start, end, 0, step].map((value, i) => (i === 2 ? ints(0) : given('int64', [1], [value])));
  return [
    { inputs: [vector(5), ...bounds] },
    { inputs: [float(4, 3), ...bounds.with(2, ints(1))] },
    { inputs: [float('n', 2), ...bounds], sizes: [{ n: 3 }, { n: 0 }] },
    { inputs: [float(5, 2), ...unknown], named: false as const },
  ];
});

export const slicesCases: Pick<Cases, 'Concat' | 'Slice' | 'Split' | 'Pad'> = {
  Concat: {
    reference: (inputs, attributes) => {
      const axis = axisOf(attributes.axis, inputs[0]!.shape.length);
      const starts = inputs.map((_, i) => inputs.slice(0, i).reduce((sum, x) => sum + x.shape[axis]!, 0));
      const total = inputs.reduce((sum, x) => sum + x.shape[axis]!, 0);
      return fill(inputs[0]!.shape.with(axis, total), (index) => {
        // the last part that starts there: an empty one starts where the next one does
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
    reference: ([x, starts, ends, axes, steps]) =>
      starts!.data.reduce((part, start, i) => {
        const axis = axes ? axisOf(axes.data[i]!, x!.shape.length) : i;
        return take(part, axis, placesOf(start, ends!.data[i]!, steps?.data[i] ?? 1, part.shape[axis]!));
      }, x!),
    cases: [
      ...stepCases,
      { inputs: [float(5, 4), ints(-1, 0), ints(-END, END), ints(0, 1), ints(-1, 2)] },
      { inputs: [constant('int64', [2, 3], [1, 2, 3, 4, 5, 6]), ints(-1), ints(-END), ints(1), ints(-2)] },
      { inputs: [float(5), given('int32', [1], [1]), given('int32', [1], [4])], named: false },
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
  Split: {
    reference: ([x, split], { axis = 0, num_outputs = 1 }) => {
      const along = axisOf(axis, x!.shape.length);
      const whole = x!.shape[along]!;
      const size = Math.ceil(whole / num_outputs);
      const sizes = split?.data ?? range(num_outputs).map((i) => Math.min(size, whole - i * size));
      return sizes.map((count, i) => {
        const start = sizes.slice(0, i).reduce((sum, other) => sum + other, 0);
        return take(
          x!,
          along,
          range(count).map((place) => start + place),
        );
      });
    },
    cases: [
      { inputs: [float(5), ints(2, 3)] },
      { inputs: [float(5), ints(2, 0, 3)], seen: [2] },
      { inputs: [float(5), ints(2, 1, 2)], seen: [1] },
      { inputs: [float(4, 6)], attributes: { axis: 1, num_outputs: 3 } },
      { inputs: [float(4, 6)], attributes: { axis: -1, num_outputs: 2 }, seen: [1] },
      { inputs: [float(7, 2)], attributes: { num_outputs: 4 } },
      { inputs: [float(3)], attributes: { num_outputs: 1 } },
      { inputs: [float('n', 2), ints(1, 2)], sizes: [{ n: 3 }] },
      { inputs: [float('n', 2)], attributes: { num_outputs: 2 }, sizes: [{ n: 4 }, { n: 3 }] },
      { inputs: [float(4, 2), given('int64', [2], [3, 1])], seen: [0], named: false },
      { inputs: [float(0, 4), ints(1, 3)], attributes: { axis: 1 } },
      { inputs: [integers('int64', [0, 9], 4), ints(1, 3)] },
      { inputs: [constant('int64', [4], [4, 5, 6, 7]), ints(1, 3)] },
    ],
  },
  Pad: {
    reference: ([x, pads, value]) => {
      const [before, after] = [pads!.data.slice(0, x!.shape.length), pads!.data.slice(x!.shape.length)];
      return fill(
        x!.shape.map((size, axis) => size + before[axis]! + after[axis]!),
        (index) => {
          const from = index.map((i, axis) => i - before[axis]!);
          const inside = from.every((i, axis) => i >= 0 && i < x!.shape[axis]!);
          return inside ? at(x!, from) : (value?.data[0] ?? 0);
        },
      );
    },
    cases: [
      { inputs: [float(3), ints(1, 2)] },
      { inputs: [float(2, 3), ints(0, 1, 2, 0)] },
      { inputs: [float(2, 3), ints(0, 1, 2, 0), constant('float64', [], [1.5])], attributes: { mode: 'constant' } },
      { inputs: [float(2, 3), ints(0, 1, 0, 2), null] },
      { inputs: [float(2, 3), ints(0, 0, 1, 0), float()] },
      { inputs: [float(2), ints(0, 1), float(1)] },
      { inputs: [float(4, 3), ints(-1, 0, 0, -1)] },
      { inputs: [float(4), ints(-1, 2)] },
      { inputs: [float(4), ints(2, -1), float()] },
      { inputs: [float(2, 3), ints(0, 0, 0, 0)] },
      { inputs: [float(0, 2), ints(1, 0, 1, 0)] },
      { inputs: [float('n', 2), ints(1, 0, 0, 1)], sizes: [{ n: 2 }, { n: 0 }] },
      { inputs: [float(2, 2), given('int64', [4], [1, 0, 0, 2])], named: false },
      { inputs: [float(2, 2), given('int64', [4], [0, 1, 0, -1]), float()], named: false },
      { inputs: [integers('int64', [1, 9], 3), ints(1, 0), constant('int64', [], [-1])] },
    ],
  },
};
