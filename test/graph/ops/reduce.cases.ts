/** Cases of `ops/reduce.ts`. */
import { at, axisOf, fill, type Nd, reduce, squeeze } from './arrays.ts';
import { type Case, type Cases, float, given, integers, ints } from './harness.ts';

type Attributes = { readonly keepdims?: number; readonly noop_with_empty_axes?: number };

const reduction =
  (f: (group: readonly number[]) => number) =>
  ([x, axes]: readonly Nd[], { keepdims = 1, noop_with_empty_axes = 0 }: Attributes): Nd => {
    const named = (axes?.data ?? []).map((axis) => axisOf(axis, x!.shape.length));
    const reduced = named.length > 0 || noop_with_empty_axes ? named : x!.shape.map((_, axis) => axis);
    const kept = reduce(x!, reduced, f);
    return keepdims ? kept : squeeze(kept, reduced);
  };

const sum = (group: readonly number[]) => group.reduce((total, x) => total + x, 0);

const cases: readonly Case<'ReduceSum' | 'ReduceMean'>[] = [
  { inputs: [float()] },
  { inputs: [float(3)], attributes: { keepdims: 0 } },
  { inputs: [float(2, 3)] },
  { inputs: [float(2, 3), ints(0)] },
  { inputs: [float(2, 3), ints(-1)], attributes: { keepdims: 0 } },
  { inputs: [float(2, 3, 2), ints(2, 0)], attributes: { keepdims: 0 } },
  { inputs: [float(2, 3, 2), ints(-2, 0)] },
  { inputs: [float(2, 1), ints(1)], attributes: { keepdims: 0 } },
  { inputs: [float(2, 3), ints()] },
  { inputs: [float(2, 3), ints()], attributes: { noop_with_empty_axes: 1 } },
  { inputs: [float(2, 3), ints()], attributes: { noop_with_empty_axes: 1, keepdims: 0 } },
  { inputs: [float(2, 0), ints(0)] },
  { inputs: [float('n', 3, 'm'), ints(0)], attributes: { keepdims: 0 }, sizes: [{ n: 2, m: 1 }] },
];

export const reduceCases: Pick<Cases, 'ReduceSum' | 'ReduceMean' | 'Softmax'> = {
  ReduceSum: {
    reference: reduction(sum),
    cases: [
      ...cases,
      { inputs: [float(2, 0), ints(1)], attributes: { keepdims: 0 } },
      { inputs: [float(0)] },
      { inputs: [integers('int64', [-3, 4], 2, 3), ints(1)] },
      // axes that are known at run time only
      { inputs: [float(2, 3), given('int64', ['k'], [1])], sizes: [{ k: 1 }], named: false },
      {
        inputs: [float('n', 3), given('int64', ['k'], [])],
        attributes: { noop_with_empty_axes: 1 },
        sizes: [{ n: 2, k: 0 }],
        named: false,
      },
    ],
  },
  ReduceMean: { reference: reduction((group) => sum(group) / group.length), cases },
  Softmax: {
    reference: ([x], { axis = -1 }) => {
      const axes = [axisOf(axis, x!.shape.length)];
      const totals = reduce(x!, axes, (group) => sum(group.map(Math.exp)));
      return fill(x!.shape, (index) => Math.exp(at(x!, index)) / at(totals, index));
    },
    cases: [
      { inputs: [float(4)] },
      { inputs: [float(2, 3)], attributes: { axis: 1 } },
      { inputs: [float(2, 3, 2)], attributes: { axis: 1 } },
      { inputs: [float(2, 3)], attributes: { axis: -2 } },
      { inputs: [float(3, 1)] },
      { inputs: [float(0, 3)] },
      { inputs: [float('n', 3)], sizes: [{ n: 2 }, { n: 1 }] },
    ],
  },
};
