/** Cases of `ops/norms.ts`, `ops/extremes.ts` and `ops/product.ts`. */
import { axisOf, fill, flatIndex, type Nd, reduce, squeeze } from './arrays.ts';
import { type Cases, float, given, integers, ints, type OpCases } from './harness.ts';
import { atRunTime, reduction, reductionCases, sum } from './reduce.cases.ts';

const cases = [...reductionCases, ...atRunTime];
const wholes = { inputs: [integers('int64', [-3, 4], 2, 3), ints(1)] };
const product = (group: readonly number[]) => group.reduce((total, x) => total * x, 1);
/** Fed floats with a given value, so that differences cross 0. */
const exactly = (shape: readonly number[], ...values: number[]) => given('float64', shape, values);

/** The positions of the largest element of each group along `axis`. */
function argMax(x: Nd, axis: number, last: boolean): Nd {
  const largest = reduce(x, [axis], (group) => Math.max(...group));
  return fill(largest.shape, (index) => {
    const along = Array.from({ length: x.shape[axis]! }, (_, i) => index.map((at, other) => (other === axis ? i : at)));
    const values = along.map((at) => x.data[flatIndex(x.shape, at)]!);
    const wanted = Math.max(...values);
    return last ? values.lastIndexOf(wanted) : values.indexOf(wanted);
  });
}

const place =
  (find: typeof argMax): OpCases<'ArgMax'>['reference'] & OpCases<'ArgMin'>['reference'] =>
  ([x], { axis = 0, keepdims = 1, select_last_index = 0 }) => {
    const along = axisOf(axis, x!.shape.length);
    const kept = find(x!, along, select_last_index !== 0);
    return keepdims ? kept : squeeze(kept, [along]);
  };

const negated = (x: Nd): Nd => ({ ...x, data: x.data.map((each) => -each) });

const placeCases: OpCases<'ArgMax'>['cases'] & OpCases<'ArgMin'>['cases'] = [
  { inputs: [float(4)] },
  { inputs: [float(2, 3)] },
  { inputs: [float(2, 3)], attributes: { axis: -1, keepdims: 0 } },
  { inputs: [float(2, 3, 2)], attributes: { axis: 1 } },
  { inputs: [integers('int64', [0, 3], 3, 4)], attributes: { axis: 1 } },
  { inputs: [integers('int32', [0, 3], 3, 4)], attributes: { axis: 1, select_last_index: 1 } },
  { inputs: [float(0, 3)], attributes: { axis: 1 } },
  { inputs: [float('n', 3)], attributes: { axis: 1, keepdims: 0 }, sizes: [{ n: 2 }] },
];

export const reductionsCases: Pick<
  Cases,
  | 'ReduceL1'
  | 'ReduceL2'
  | 'ReduceSumSquare'
  | 'ReduceLogSumExp'
  | 'ReduceMax'
  | 'ReduceMin'
  | 'ReduceProd'
  | 'ArgMax'
  | 'ArgMin'
> = {
  ReduceL1: { reference: reduction((group) => sum(group.map(Math.abs))), cases: [...cases, wholes] },
  ReduceL2: { reference: reduction((group) => Math.hypot(...group)), cases },
  ReduceSumSquare: { reference: reduction((group) => sum(group.map((x) => x * x))), cases: [...cases, wholes] },
  ReduceLogSumExp: {
    reference: reduction((group) => {
      const largest = Math.max(...group);
      return largest + Math.log(sum(group.map((x) => Math.exp(x - largest))));
    }),
    cases: [...cases, { inputs: [exactly([2, 2], 900, 901, -900, -901), ints(1)] }],
  },
  ReduceMax: { reference: reduction((group) => Math.max(...group)), cases: [...cases, wholes] },
  ReduceMin: { reference: reduction((group) => Math.min(...group)), cases: [...cases, wholes] },
  ReduceProd: {
    reference: reduction(product),
    cases: [
      ...reductionCases,
      wholes,
      { inputs: [float(2, 0), ints(1)], attributes: { keepdims: 0 } },
      // one zero, two, three: exact at both orders
      { inputs: [exactly([3], 0, 2, 3)] },
      { inputs: [exactly([3, 3], 0, 2, 0, 1, 0, 3, 0, 0, 0), ints(-1)] },
      { inputs: [exactly([2, 3], 0, 2, 0, 1, 0, 3), ints(0)], attributes: { keepdims: 0 } },
      { inputs: [exactly([2, 2, 2], 0, 2, 0, 1, 0, 3, 1, 2), ints(2, 0)] },
    ],
  },
  ArgMax: { reference: place(argMax), cases: placeCases },
  ArgMin: { reference: place((x, axis, last) => argMax(negated(x), axis, last)), cases: placeCases },
};
