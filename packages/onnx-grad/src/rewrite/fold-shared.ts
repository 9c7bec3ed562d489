/**
 * Separates values that all rows of a batch share from values that differ between rows, so that less is computed per
 * row once `splitFrozen` has split the graph at the row inputs.
 */
import type { Builder } from '../graph/builder.ts';
import type { Graph, Node, Value } from '../graph/ir.ts';
import { prune } from '../graph/prune.ts';
import { valuesReachedFrom } from '../graph/reach.ts';
import { type Patterns, patternsOf } from './patterns.ts';
import { rewrite } from './rewrite.ts';

interface Around extends Patterns {
  /** Whether all rows share a value. */
  isShared(name: string): boolean;
}

/** Adds a value equal to the only output of `node`. Returns null if the rule does not apply. */
type SharedRule = (b: Builder, node: Node, around: Around) => Value | null;

/**
 * Rewrites `graph` using the equalities below, which hold up to the order of sums. `rowInputs` are the inputs with one
 * row for each row of a batch.
 *
 * - Gemm(Concat(x, Expand(c)), W, bias) = Gemm(x, W_x, Gemm(c, W_c, bias)), where W_x and W_c are the parts of W for x
 *   and for c;
 * - sum over l of q[l] * (sum over p of w[p] * T[i[p], l]) = sum over p of w[p] * (T * q)[i[p]], which looks up numbers
 *   instead of vectors;
 * - sum over p of w[p] * A[i[p]] + sum over p of w[p] * B[i[p]] = sum over p of w[p] * (A + B)[i[p]].
 *
 * All rows share c, W, bias, q, T, A and B. A graph to which no equality applies keeps its nodes.
 */
export function foldShared(graph: Graph, rowInputs: readonly string[]): Graph {
  return [foldConcat, foldProduct, foldLookups].reduce((folded, rule) => apply(folded, rowInputs, rule), graph);
}

function apply(graph: Graph, rowInputs: readonly string[], rule: SharedRule): Graph {
  const perRow = valuesReachedFrom(graph, rowInputs);
  const around: Around = { ...patternsOf(graph), isShared: (name) => !perRow.has(name) };
  const folded = rewrite(graph, ({ b, node }) => {
    const value = rule(b, node, around);
    return value && [value];
  });
  return prune(folded);
}

/** Rewrites a Gemm whose first input has columns that all rows share. */
const foldConcat: SharedRule = (b, node, around) => {
  if (node.op !== 'Gemm') return null;
  const { inputs, attributes } = node as Node<'Gemm'>;
  const [x, weight, bias = ''] = inputs as [string, string, string?];
  const { transA = 0, transB = 0, alpha = 1, beta = 1 } = attributes;
  if (transA !== 0 || alpha !== 1 || beta !== 1 || !around.isShared(weight)) return null;
  const added = bias === '' ? null : around.get(bias);
  if (added && (!around.isShared(bias) || (added.shape.length === 2 && added.shape[0] !== 1))) return null;
  const parts = partsOf(x, around);
  const [rows, shared] = [parts.filter((part) => !part.shared), parts.filter((part) => part.shared)];
  if (rows.length === 0 || shared.length === 0) return null;
  const axis = transB === 0 ? 0 : 1;
  const join = (values: readonly Value[], along: number) =>
    values.length === 1 ? values[0]! : b.add('Concat', values, { axis: along });
  const weightsOf = ({ from, to }: Part) =>
    b.add('Slice', [b.get(weight), b.ints([from]), b.ints([to]), b.ints([axis])]);
  const product = (some: readonly Part[], plus: Value | null) => {
    const values = some.map(({ name }) => b.get(name));
    return b.add('Gemm', [join(values, 1), join(some.map(weightsOf), axis), plus], { transB });
  };
  return product(rows, product(shared, added && b.get(bias)));
};

/**
 * Columns `from` to `to - 1` of a concatenation. They contain either one row per batch row, or a single row that all
 * rows of the batch share.
 */
interface Part {
  readonly name: string;
  readonly shared: boolean;
  readonly from: number;
  readonly to: number;
}

/**
 * The parts of a matrix that is a concatenation of columns. The list is empty if the matrix is not a concatenation, or
 * if a width is unknown.
 */
function partsOf(name: string, { find, isShared, get }: Around): readonly Part[] {
  const concat = find('Concat', name);
  if (!concat || ![1, -1].includes(concat.attributes.axis)) return [];
  const parts: Part[] = [];
  let from = 0;
  for (const input of concat.inputs) {
    const width = get(input).shape[1];
    if (typeof width !== 'number') return [];
    const one = find('Expand', input)?.inputs[0];
    const isRow = one !== undefined && isShared(one) && get(one).shape.join() === `1,${width}`;
    parts.push({ name: isRow ? one : input, shared: isRow, from, to: from + width });
    from += width;
  }
  return parts;
}

/** Rewrites the product of a shared vector with a weighted sum of looked-up vectors. */
const foldProduct: SharedRule = (b, node, { find, isShared, get, numbersOf }) => {
  if (node.op !== 'ReduceSum') return null;
  const mul = find('Mul', node.inputs[0]);
  const axis = numbersOf(node.inputs[1])?.join();
  if (!mul || !(axis === '1' || axis === '-1')) return null;
  for (const [x, vector] of [mul.inputs, [...mul.inputs].reverse()] as [string, string][]) {
    const squeeze = find('Squeeze', x);
    const product = find('MatMul', squeeze?.inputs[0]);
    const row = find('Unsqueeze', product?.inputs[0]);
    const lookup = find('Gather', product?.inputs[1]);
    if (!squeeze || !row || !lookup || !isShared(vector)) continue;
    const [[table, index], weights] = [lookup.inputs as [string, string], row.inputs[0]!];
    const isPooled = [squeeze, row].every(({ inputs }) => numbersOf(inputs[1])?.join() === '1');
    const isTable = (lookup.attributes.axis ?? 0) === 0 && isShared(table) && get(table).shape.length === 2;
    const isList = [index, weights].every((name) => get(name).shape.length === 2);
    if (!isPooled || !isTable || !isList || get(vector).shape.join() !== `1,${get(table).shape[1]}`) continue;
    const numbers = b.add('Reshape', [b.add('Gemm', [b.get(vector), b.get(table)], { transB: 1 }), b.ints([-1])]);
    const weighted = b.add('Mul', [b.add('Gather', [numbers, b.get(index)], { axis: 0 }), b.get(weights)]);
    return b.add('ReduceSum', [weighted, b.ints([1])], (node as Node<'ReduceSum'>).attributes);
  }
  return null;
};

/** Rewrites the sum of two weighted sums of numbers that are looked up with the same indices and weights. */
const foldLookups: SharedRule = (b, node, around) => {
  if (node.op !== 'Add') return null;
  const [one, other] = node.inputs.map((name) => lookupSum(name, around));
  if (!one || !other || one.place !== other.place) return null;
  const numbers = b.add('Add', [b.get(one.table), b.get(other.table)]);
  const weighted = b.add('Mul', [b.add('Gather', [numbers, b.get(one.index)], { axis: 0 }), b.get(one.weights)]);
  return b.add('ReduceSum', [weighted, b.ints(one.axes)], { keepdims: one.keepdims });
};

/** Matches a weighted sum of numbers that are looked up in a shared table. Sums with the same `place` can be merged. */
function lookupSum(name: string, { find, isShared, get, numbersOf }: Around) {
  const sum = find('ReduceSum', name);
  const mul = find('Mul', sum?.inputs[0]);
  const lookup = find('Gather', mul?.inputs[0]);
  const axes = numbersOf(sum?.inputs[1]);
  if (!sum || !mul || !lookup || !axes) return null;
  const [[table, index], weights] = [lookup.inputs as [string, string], mul.inputs[1]!];
  if (!isShared(table) || get(table).shape.length !== 1) return null;
  const keepdims = sum.attributes.keepdims ?? 1;
  return { table, index, weights, axes, keepdims, place: JSON.stringify([index, weights, axes, keepdims]) };
}
