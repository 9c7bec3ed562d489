/** Cases of `ops/reduce.ts`. */

import type { OpType } from '../../../packages/onnx-grad/src/ops/attributes.ts';
import { at, axisOf, fill, type Nd, reduce, squeeze } from './arrays.ts';
import { type Case, type Cases, constant, float, given, integers, ints } from './harness.ts';

type Attributes = { readonly keepdims?: number; readonly noop_with_empty_axes?: number };

/** A reference: `f` of each group of elements. */
export const reduction =
  (f: (group: readonly number[]) => number) =>
  ([x, axes]: readonly Nd[], { keepdims = 1, noop_with_empty_axes = 0 }: Attributes): Nd => {
    const named = (axes?.data ?? []).map((axis) => axisOf(axis, x!.shape.length));
    const reduced = named.length > 0 || noop_with_empty_axes ? named : x!.shape.map((_, axis) => axis);
    const kept = reduce(x!, reduced, f);
    return keepdims ? kept : squeeze(kept, reduced);
  };

export const sum = (group: readonly number[]) => group.reduce((total, x) => total + x, 0);

/** A reduction of any kind: all have the same attributes. */
type Reduction = Extract<OpType, `Reduce${string}`>;

/** The shapes for every reduction. */
export const reductionCases: readonly Case<Reduction>[] = [
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

/** Axes that are known at run time only. */
export const atRunTime: readonly Case<Reduction>[] = [
  { inputs: [float(2, 3), given('int64', ['k'], [1])], sizes: [{ k: 1 }], named: false },
  {
    inputs: [float('n', 3), given('int64', ['k'], [])],
    attributes: { noop_with_empty_axes: 1 },
    sizes: [{ n: 2, k: 0 }],
    named: false,
  },
];

/** For ops along one axis. */
const axisCases = [
  { inputs: [float(4)] },
  { inputs: [float(2, 3)], attributes: { axis: 1 } },
  { inputs: [float(2, 3, 2)], attributes: { axis: 1 } },
  { inputs: [float(2, 3)], attributes: { axis: -2 } },
  { inputs: [float(3, 1)] },
  { inputs: [float(0, 3)] },
  { inputs: [float('n', 3)], sizes: [{ n: 2 }, { n: 1 }] },
];

const axis = (value: number) => constant('int64', [], [value]);

export const reduceCases: Pick<Cases, 'ReduceSum' | 'ReduceMean' | 'CumSum' | 'Softmax' | 'LogSoftmax'> = {
  ReduceSum: {
    reference: reduction(sum),
    cases: [
      ...reductionCases,
      { inputs: [float(2, 0), ints(1)], attributes: { keepdims: 0 } },
      { inputs: [float(0)] },
      { inputs: [integers('int64', [-3, 4], 2, 3), ints(1)] },
      ...atRunTime,
    ],
  },
  ReduceMean: { reference: reduction((group) => sum(group) / group.length), cases: reductionCases },
  Softmax: {
    reference: ([x], { axis = -1 }) => {
      const axes = [axisOf(axis, x!.shape.length)];
      const totals = reduce(x!, axes, (group) => sum(group.map(Math.exp)));
      return fill(x!.shape, (index) => Math.exp(at(x!, index)) / at(totals, index));
    },
    cases: axisCases,
  },
  LogSoftmax: {
    reference: ([x], { axis = -1 }) => {
      const axes = [axisOf(axis, x!.shape.length)];
      const totals = reduce(x!, axes, (group) => Math.log(sum(group.map(Math.exp))));
      return fill(x!.shape, (index) => at(x!, index) - at(totals, index));
    },
    cases: axisCases,
  },
  CumSum: {
    reference: ([x, along], { exclusive = 0, reverse = 0 }) => {
      const axis = axisOf(along!.data[0]!, x!.shape.length);
      return fill(x!.shape, (index) => {
        const mine = index[axis]!;
        const places = Array.from({ length: x!.shape[axis]! }, (_, i) => i).filter((i) =>
          i === mine ? !exclusive : reverse ? i > mine : i < mine,
        );
        return sum(
          places.map((i) =>
            at(
              x!,
              index.map((place, other) => (other === axis ? i : place)),
            ),
          ),
        );
      });
    },
    cases: [
      { inputs: [float(4), axis(0)] },
      { inputs: [float(2, 3), axis(1)] },
      { inputs: [float(2, 3), axis(-2)] },
      { inputs: [float(2, 3), constant('int32', [1], [1])] },
      { inputs: [float(2, 3), given('int64', [], [1])] },
      { inputs: [float(2, 3, 2), axis(1)], attributes: { exclusive: 1 } },
      { inputs: [float(2, 3), axis(1)], attributes: { reverse: 1 } },
      { inputs: [float(2, 3), axis(1)], attributes: { exclusive: 1, reverse: 1 } },
      { inputs: [float(2, 0), axis(1)] },
      { inputs: [integers('int64', [-3, 4], 5), axis(0)] },
      { inputs: [float('n', 3), axis(0)], sizes: [{ n: 2 }, { n: 1 }] },
    ],
  },
};
