/**
 * Finds the range of a model's scores from its graph alone. Each value gets an interval; weighted means are recognised
 * because the weights of a softmax sum to 1. Scoring random users would not prove enough, because some logits happen to
 * lie between 0 and 1.
 */
import { elementCount, type Graph, isConcrete, type Node, type OpType } from '../../../packages/onnx-grad/index.ts';

/** The lowest and highest numbers that a value may contain. */
export type Interval = readonly [low: number, high: number];

const ANY: Interval = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
const PROBABILITY: Interval = [0, 1];
const SIGNED: Interval = [-1, 1];
const MINUS_ONE: Interval = [-1, -1];
const ZERO: Interval = [0, 0];

const hull = (a: Interval, b: Interval): Interval => [Math.min(a[0], b[0]), Math.max(a[1], b[1])];
const greater = (a: Interval, b: Interval): Interval => [Math.max(a[0], b[0]), Math.max(a[1], b[1])];
const lesser = (a: Interval, b: Interval): Interval => [Math.min(a[0], b[0]), Math.min(a[1], b[1])];
/** The numbers that are in both intervals. */
const common = (a: Interval, b: Interval): Interval => [Math.max(a[0], b[0]), Math.min(a[1], b[1])];
const plus = (a: Interval, b: Interval): Interval => [a[0] + b[0], a[1] + b[1]];

interface Bound {
  readonly range: Interval;
  /** The value is the softmax `of`, with its weights along `axis`, times numbers in `factor`. */
  readonly weights?: { readonly of: string; readonly axis: number; readonly factor: Interval };
  /** The value is a sum of single weights of the softmax `of`, by index, each times a number in its interval. */
  readonly sum?: { readonly of: string; readonly factors: ReadonlyMap<number, Interval> };
}

/**
 * Returns an interval that, apart from rounding, contains every score of `graph` for all inputs and for all values of
 * the parameters in `adapted`.
 */
export function scoreRange(graph: Graph, adapted: readonly string[]): Interval {
  const isAdapted = new Set(adapted);
  const bounds = new Map<string, Bound>();
  for (const [name, { data }] of [...graph.constants, ...graph.initializers])
    if (!isAdapted.has(name)) bounds.set(name, { range: rangeOf(data) });
  for (const node of graph.nodes) {
    const step = new Step(graph, node, bounds);
    node.outputs.forEach((name, i) => {
      const isBoolean = graph.values.get(name)?.dtype === 'bool';
      bounds.set(name, isBoolean ? { range: PROBABILITY } : (RULES[node.op]?.(step, i) ?? { range: ANY }));
    });
  }
  return bounds.get(graph.outputs[0]!)?.range ?? ANY;
}

/** A node, and what is known about its inputs. */
class Step {
  readonly node: Node;
  readonly #graph: Graph;
  readonly #bounds: ReadonlyMap<string, Bound>;

  constructor(graph: Graph, node: Node, bounds: ReadonlyMap<string, Bound>) {
    this.node = node;
    this.#graph = graph;
    this.#bounds = bounds;
  }

  bound(input: number): Bound {
    return this.#bounds.get(this.node.inputs[input] ?? '') ?? { range: ANY };
  }

  range(input: number): Interval {
    return this.bound(input).range;
  }

  get ranges(): readonly Interval[] {
    return this.node.inputs.map((_, i) => this.range(i));
  }

  shape(input: number) {
    return this.#graph.values.get(this.node.inputs[input]!)!.shape;
  }

  outputShape(output = 0) {
    return this.#graph.values.get(this.node.outputs[output]!)!.shape;
  }

  /** The elements of a small integer input, such as axes. Negative numbers count from `size`. */
  positions(input: number, size = 0): readonly number[] | null {
    const known = this.#graph.values.get(this.node.inputs[input] ?? '')?.known;
    return known && isConcrete(known) ? known.map((x) => (x < 0 ? x + size : x)) : null;
  }

  /** The attribute `axis`, counted from the front. */
  axis(otherwise: number): number {
    const { axis = otherwise } = this.node.attributes as { readonly axis?: number };
    return axis < 0 ? axis + this.shape(0).length : axis;
  }
}

type Rule = (step: Step, output: number) => Bound;

const same: Rule = (step) => ({ range: step.range(0) });
const within = (range: Interval) => (): Bound => ({ range });
const monotone =
  (f: (x: number) => number): Rule =>
  (step) => ({ range: [f(step.range(0)[0]), f(step.range(0)[1])] });
const pairwise =
  (f: (a: Interval, b: Interval) => Interval): Rule =>
  (step) => ({ range: step.ranges.reduce(f) });

/** If an op has no rule, its result may be any number. */
const RULES: { readonly [K in OpType]?: Rule } = {
  Add: (step) => add(step.bound(0), step.bound(1)),
  Cast: same,
  Clip: (step) => {
    const [, least, most] = step.node.inputs;
    const raised = least ? greater(step.range(0), step.range(1)) : step.range(0);
    return { range: most ? lesser(raised, step.range(2)) : raised };
  },
  Concat: pairwise(hull),
  Div: (step) => ({ range: times(step.range(0), reciprocal(step.range(1))) }),
  Erf: within(SIGNED),
  Exp: monotone(Math.exp),
  Expand: (step) => moveWeights(step, (axis) => axis + step.outputShape().length - step.shape(0).length),
  Flatten: same,
  Gather: (step) => pick(step, step.axis(0), step.positions(1)),
  GatherElements: same,
  HardSigmoid: within(PROBABILITY),
  Identity: (step) => step.bound(0),
  LogSoftmax: within([Number.NEGATIVE_INFINITY, 0]),
  MatMul: matMul,
  Max: pairwise(greater),
  Mean: pairwise(hull),
  Min: pairwise(lesser),
  Mul: multiply,
  Neg: (step) => ({ range: times(step.range(0), MINUS_ONE) }),
  Reciprocal: (step) => ({ range: reciprocal(step.range(0)) }),
  ReduceMax: same,
  ReduceMean: same,
  ReduceMin: same,
  ReduceSum: reduceSum,
  Relu: monotone((x) => Math.max(x, 0)),
  Reshape: (step) => moveWeights(step, (axis) => reshapedAxis(step, axis)),
  Sigmoid: monotone((x) => 1 / (1 + Math.exp(-x))),
  Slice: (step) => {
    const [start, end] = [step.positions(1), step.positions(2)];
    const isSingle = start?.length === 1 && end?.length === 1 && end[0]! - start[0]! === 1;
    return isSingle ? pick(step, step.positions(3, step.shape(0).length)?.[0] ?? 0, start) : same(step, 0);
  },
  Softmax: (step) => ({
    range: PROBABILITY,
    weights: { of: step.node.outputs[0]!, axis: step.axis(-1), factor: [1, 1] },
  }),
  Softplus: within([0, Number.POSITIVE_INFINITY]),
  Softsign: within(SIGNED),
  Split: (step, output) => {
    const isSingle = step.node.outputs.every((_, i) => step.outputShape(i)[step.axis(0)] === 1);
    return isSingle ? pick(step, step.axis(0), [output]) : same(step, output);
  },
  Sqrt: monotone((x) => Math.sqrt(Math.max(x, 0))),
  Squeeze: (step) => {
    const gone = step.positions(1, step.shape(0).length);
    return moveWeights(step, (axis) => gone && axis - gone.filter((each) => each < axis).length);
  },
  Sub: (step) => ({ range: plus(step.range(0), times(step.range(1), MINUS_ONE)) }),
  Sum: (step) => step.node.inputs.map((_, input) => step.bound(input)).reduce(add),
  Tanh: monotone(Math.tanh),
  Transpose: (step) => moveWeights(step, (axis) => (step.node as Node<'Transpose'>).attributes.perm.indexOf(axis)),
  Unsqueeze: (step) => {
    const rank = step.outputShape().length;
    const added = step.positions(1, rank);
    const kept = Array.from({ length: rank }, (_, axis) => axis).filter((axis) => !added?.includes(axis));
    return moveWeights(step, (axis) => added && kept[axis]!);
  },
  Where: (step) => ({ range: hull(step.range(1), step.range(2)) }),
};

/** Moves elements. Weights stay weights if their axis keeps its size. `newAxis` may return null. */
function moveWeights(step: Step, newAxis: (axis: number) => number | null): Bound {
  const { weights, ...bound } = step.bound(0);
  if (!weights) return bound;
  const axis = newAxis(weights.axis);
  const isKept = axis !== null && step.outputShape()[axis] === step.shape(0)[weights.axis];
  return isKept ? { ...bound, weights: { ...weights, axis } } : bound;
}

/** The axis with the same size as `axis` and the same number of elements after it. */
function reshapedAxis(step: Step, axis: number): number | null {
  const [given, result] = [step.shape(0), step.outputShape()];
  const countBehind = (shape: typeof given, at: number) => {
    const behind = shape.slice(at + 1);
    return isConcrete(behind) ? elementCount(behind) : null;
  };
  const count = countBehind(given, axis);
  const found = result.findIndex((dim, at) => dim === given[axis] && countBehind(result, at) === count);
  return count === null || found < 0 ? null : found;
}

/** Takes the elements at one position of `axis`. */
function pick(step: Step, axis: number, positions: readonly number[] | null): Bound {
  const { range, weights, sum } = step.bound(0);
  if (!weights) return { range, ...(sum && { sum }) };
  if (weights.axis !== axis || positions?.length !== 1) return { range };
  return { range, sum: { of: weights.of, factors: new Map([[positions[0]!, weights.factor]]) } };
}

function multiply(step: Step): Bound {
  const range = times(step.range(0), step.range(1));
  const first = step.bound(0).weights || step.bound(0).sum ? 0 : 1;
  const { weights, sum } = step.bound(first);
  const by = step.range(1 - first);
  if (sum) return { range, sum: { ...sum, factors: new Map([...sum.factors].map(([i, f]) => [i, times(f, by)])) } };
  if (!weights) return { range };
  const axis = weights.axis + step.outputShape().length - step.shape(first).length;
  const isKept = step.outputShape()[axis] === step.shape(first)[weights.axis];
  return isKept ? { range, weights: { ...weights, axis, factor: times(weights.factor, by) } } : { range };
}

/**
 * Weights are at least 0 and sum to 1, so a sum of weights with factors lies between the factors, or 0 and a factor.
 */
function add(a: Bound, b: Bound): Bound {
  const range = plus(a.range, b.range);
  if (!a.sum || a.sum.of !== b.sum?.of) return { range };
  const factors = new Map(a.sum.factors);
  for (const [i, factor] of b.sum.factors) factors.set(i, plus(factors.get(i) ?? ZERO, factor));
  return { range: common(range, [...factors.values()].reduce(hull, ZERO)), sum: { of: a.sum.of, factors } };
}

function reduceSum(step: Step): Bound {
  const { range, weights } = step.bound(0);
  const shape = step.shape(0);
  const axes = step.positions(1, shape.length);
  if (weights && axes?.length === 1 && axes[0] === weights.axis) return { range: weights.factor };
  const summed = axes?.map((axis) => shape[axis]!) ?? shape;
  const count = isConcrete(summed) ? elementCount(summed) : Number.POSITIVE_INFINITY;
  return { range: times(range, [count, count]) };
}

/** A product with weights along the summed axis is a weighted mean. */
function matMul(step: Step): Bound {
  for (const [input, fromEnd] of [
    [0, 1],
    [1, 2],
  ] as const) {
    const { weights } = step.bound(input);
    if (weights?.axis === Math.max(step.shape(input).length - fromEnd, 0))
      return { range: times(weights.factor, step.range(1 - input)) };
  }
  return { range: ANY };
}

function rangeOf(data: ArrayLike<number | bigint>): Interval {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let i = 0; i < data.length; i++) {
    low = Math.min(low, Number(data[i]));
    high = Math.max(high, Number(data[i]));
  }
  return low <= high ? [low, high] : ANY;
}

function times(a: Interval, b: Interval): Interval {
  // 0 times an unbounded number is 0
  const products = a.flatMap((x) => b.map((y) => (x === 0 || y === 0 ? 0 : x * y)));
  return [Math.min(...products), Math.max(...products)];
}

function reciprocal([low, high]: Interval): Interval {
  if (low >= 0) return [1 / high, low === 0 ? Number.POSITIVE_INFINITY : 1 / low];
  return high < 0 ? [1 / high, 1 / low] : ANY;
}
