/**
 * Computes probabilities that stay exact when they are small. ONNX Runtime's float32 Sigmoid has an error of 3e-8. For
 * logits below about -10, neighbouring results may be in the wrong order; below -18, the result is 0.
 */
import type { Builder } from '../graph/builder.ts';
import type { Graph, Node, Value } from '../graph/ir.ts';
import type { NodeOptions } from '../graph/node-builder.ts';
import type { OpType } from '../ops/attributes.ts';
import { rewrite } from './rewrite.ts';

/** For |x| above this number, ONNX Runtime's Sigmoid has a larger error than 1 / (1 + e^-x). */
const TAIL = 2;

/**
 * Adds sigmoid(x), exact to a few units in the last place at any x. ONNX Runtime's Sigmoid is used between -2 and 2,
 * and 1 / (1 + e^-x) elsewhere. `options` applies to the last node.
 */
export function exactSigmoid(b: Builder, x: Value, options: NodeOptions = {}): Value {
  const tail = b.add('Reciprocal', [onePlusExp(b, b.add('Neg', [x]))]);
  const isTail = b.add('Greater', [b.add('Abs', [x]), b.scalar(TAIL, x)]);
  return b.add('Where', [isTail, tail, b.add('Sigmoid', [x])], {}, options);
}

/** Adds 1 - p for p = sigmoid(x). The result is exact even near 0. */
function exactComplement(b: Builder, p: Value, x: Value): Value {
  const tail = b.add('Reciprocal', [onePlusExp(b, x)]);
  return b.add('Where', [b.add('Greater', [x, b.scalar(TAIL, x)]), tail, b.add('Sub', [b.scalar(1, p), p])]);
}

function onePlusExp(b: Builder, x: Value): Value {
  return b.add('Add', [b.add('Exp', [x]), b.scalar(1, x)]);
}

/**
 * Makes a sigmoid exact if it is the first output of `graph`, or if the first output is computed from it only by sums,
 * products and moves, as in a weighted mean. Sigmoids inside layers are kept. A graph without such a sigmoid is
 * returned unchanged.
 */
export function exactSigmoids(graph: Graph): Graph {
  const ends = new Set(mixedNodes(graph, graph.outputs[0]!).filter(({ op }) => op === 'Sigmoid'));
  if (ends.size === 0) return graph;
  return rewrite(graph, ({ b, node: { name, outputs }, node, inputs: [x] }) =>
    ends.has(node) ? [exactSigmoid(b, x!, { name, outputs })] : null,
  );
}

/** The complement of a probability computed from exact sigmoids. */
export interface Mixture {
  /** The value 1 - p, which is exact near 0 if `isExact`, and otherwise computed by a subtraction. */
  readonly complement: Value;
  readonly isExact: boolean;
}

/**
 * Finds the exact sigmoids s that `p` is computed from, and overrides the gradient of each s with s * (1 - s), which is
 * finite and exact for any logit and for derivatives of any order. Returns null if there are no exact sigmoids.
 */
export function findMixture(b: Builder, p: Value): Mixture | null {
  const graph = b.build('mixture', [p]);
  const producers = new Map(graph.nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  const sigmoids = mixedNodes(graph, p.name).flatMap((node) => {
    const logit = logitOf(producers, node);
    return logit === null ? [] : [{ node, value: b.get(node.outputs[0]!), logit: b.get(logit) }];
  });
  if (sigmoids.length === 0) return null;
  const logits = new Map(sigmoids.map(({ value, logit }) => [value.name, logit]));
  const complements = new Map<string, Value>();
  const exact = complementOf(b, { producers, logits, complements }, p.name);
  const one = b.scalar(1, p);
  for (const { value, logit } of sigmoids) {
    // if 1 - p is computed by a subtraction, the slope must use the same difference, so that both are 0 where p is
    // rounded to 1
    const own = complements.get(value.name);
    const rest = exact && own ? own : b.add('Sub', [one, value]);
    const slope = b.add('Mul', [value, rest]);
    b.override(value, [{ input: logit, gradient: slope }]);
    if (rest === own) b.override(rest, [{ input: logit, gradient: b.add('Neg', [slope]) }]);
  }
  return { complement: exact ?? b.add('Sub', [one, p]), isExact: exact !== null };
}

/**
 * The ops that may be part of a weighted mean of probabilities, and the inputs of each op that may contain
 * probabilities.
 */
const MIXING: { readonly [K in OpType]?: 'first' | 'all' } = {
  Add: 'all',
  Clip: 'first',
  Concat: 'all',
  Div: 'first',
  Einsum: 'all',
  Expand: 'first',
  Gather: 'first',
  Gemm: 'all',
  Identity: 'first',
  MatMul: 'all',
  Mean: 'all',
  Mul: 'all',
  ReduceMean: 'first',
  ReduceSum: 'first',
  Reshape: 'first',
  Slice: 'first',
  Split: 'first',
  Squeeze: 'first',
  Sub: 'all',
  Sum: 'all',
  Transpose: 'first',
  Unsqueeze: 'first',
};

/** Walks backwards from `output` through the ops in `MIXING`, and returns the nodes at which the walk ends. */
function mixedNodes(graph: Graph, output: string): readonly Node[] {
  const wanted = new Set([output]);
  const ends: Node[] = [];
  for (const node of [...graph.nodes].reverse()) {
    if (!node.outputs.some((name) => wanted.has(name))) continue;
    const followed = MIXING[node.op];
    if (followed === undefined) ends.push(node);
    else for (const name of followed === 'all' ? node.inputs : node.inputs.slice(0, 1)) wanted.add(name);
  }
  return ends;
}

type Producers = ReadonlyMap<string, Node>;

/** Returns the name of x if `node` is the last node of `exactSigmoid(x)`, otherwise null. */
function logitOf(producers: Producers, { op, inputs }: Node): string | null {
  if (op !== 'Where') return null;
  const [isTail, tail, middle] = inputs.map((name) => producers.get(name));
  const size = producers.get(isTail?.inputs[0] ?? '');
  const isForm = size?.op === 'Abs' && tail?.op === 'Reciprocal' && middle?.op === 'Sigmoid';
  return isForm && size.inputs[0] === middle.inputs[0] ? middle.inputs[0]! : null;
}

interface Parts {
  readonly producers: Producers;
  /** The logit of each sigmoid, by the name of the sigmoid's output. */
  readonly logits: ReadonlyMap<string, Value>;
  /** The complement of each sigmoid, by the name of the sigmoid's output. Entries are added on demand. */
  readonly complements: Map<string, Value>;
}

/**
 * Adds 1 - `name` in exact form, by moving and averaging the complements of the sigmoids in the same way as the
 * sigmoids. Returns null if there is no exact form.
 */
function complementOf(b: Builder, parts: Parts, name: string): Value | null {
  const { producers, logits, complements } = parts;
  const logit = logits.get(name);
  if (logit) {
    const complement = complements.get(name) ?? exactComplement(b, b.get(name), logit);
    complements.set(name, complement);
    return complement;
  }
  const node = producers.get(name);
  switch (node?.op) {
    case 'Identity':
    case 'Reshape':
    case 'ReduceMean':
    case 'Squeeze':
    case 'Transpose':
    case 'Unsqueeze': {
      const inner = complementOf(b, parts, node.inputs[0]!);
      if (inner === null) return null;
      const rest = node.inputs.slice(1).map((input) => (input === '' ? null : b.get(input)));
      return b.addAll(node.op, [inner, ...rest], node.attributes)[0]!;
    }
    case 'ReduceSum':
      return complementOfSum(b, parts, node as Node<'ReduceSum'>);
    default:
      return null;
  }
}

/** Adds the complement of a weighted sum if the weights sum to 1. Returns null for any other sum. */
function complementOfSum(b: Builder, parts: Parts, { inputs, attributes }: Node<'ReduceSum'>): Value | null {
  const product = parts.producers.get(inputs[0]!);
  const axes = inputs[1] ? b.constantOf(b.get(inputs[1])) : undefined;
  if (product?.op !== 'Mul' || axes?.data.length !== 1) return null;
  for (const [weight, other] of [product.inputs, [...product.inputs].reverse()] as [string, string][]) {
    if (!sumsToOne(b, parts.producers, weight, Number(axes.data[0]), b.get(other))) continue;
    const inner = complementOf(b, parts, other);
    if (inner === null) continue;
    return b.add('ReduceSum', [b.add('Mul', [b.get(weight), inner]), b.get(inputs[1]!)], attributes);
  }
  return null;
}

/** Whether `weight` is a Softmax over the summed axis, with as many axes as `other`. */
function sumsToOne(b: Builder, producers: Producers, weight: string, axis: number, other: Value): boolean {
  const node = producers.get(weight);
  const rank = b.get(weight).shape.length;
  if (node?.op !== 'Softmax' || other.shape.length !== rank) return false;
  const own = (node as Node<'Softmax'>).attributes.axis ?? -1;
  return (own + rank) % rank === (axis + rank) % rank;
}
