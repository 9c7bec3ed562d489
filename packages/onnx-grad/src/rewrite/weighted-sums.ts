/**
 * Rewrites weighted sums of vectors as matrix products, which ONNX Runtime computes faster, and moves a product with a
 * fixed matrix inside a weighted sum.
 */
import type { Builder } from '../graph/builder.ts';
import type { Graph, Node, Value } from '../graph/ir.ts';
import { prune } from '../graph/prune.ts';
import { type Patterns, patternsOf } from './patterns.ts';
import { rewrite } from './rewrite.ts';

/**
 * Rewrites sums over the first or second axis of vectors `x` `[d, e, k]` times weights `w` `[d, e]` as matrix products:
 * sum over j of w[i, j] * x[i, j, :] = (w[i] as [1, e]) * x[i]. Outputs are equal up to the order of sums. Pooled lists
 * and mixtures of experts have this form. A matrix product does not store the weighted vectors, which are the largest
 * values in such graphs.
 */
export function weightedSumsAsProducts(graph: Graph): Graph {
  const patterns = patternsOf(graph);
  const products = rewrite(graph, ({ b, node }) => {
    const value = node.op === 'ReduceSum' ? productOf(b, node as Node<'ReduceSum'>, patterns) : null;
    return value && [value];
  });
  return prune(products);
}

function productOf(b: Builder, sum: Node<'ReduceSum'>, { find, get, numbersOf }: Patterns): Value | null {
  const mul = find('Mul', sum.inputs[0]);
  const axes = numbersOf(sum.inputs[1]);
  if (!mul || axes?.length !== 1 || sum.attributes.keepdims !== 0) return null;
  const axis = axes[0]! < 0 ? axes[0]! + 3 : axes[0]!;
  if (axis > 1) return null;
  for (const [x, weight] of [mul.inputs, [...mul.inputs].reverse()] as [string, string][]) {
    const own = find('Unsqueeze', weight);
    const last = numbersOf(own?.inputs[1]);
    if (!own || last?.length !== 1 || !(last[0] === 2 || last[0] === -1)) continue;
    const [weights, { dtype, shape }] = [own.inputs[0]!, get(x)];
    const [d, e] = get(weights).shape;
    if (!dtype.startsWith('float') || shape.length !== 3 || shape[0] !== d || shape[1] !== e) continue;
    const vectors = axis === 1 ? b.get(x) : b.add('Transpose', [b.get(x)], { perm: [1, 0, 2] });
    const rows = axis === 1 ? b.get(weights) : transposed(b, weights, find);
    const product = b.add('MatMul', [b.add('Unsqueeze', [rows, b.ints([1])]), vectors]);
    return b.add('Squeeze', [product, b.ints([1])]);
  }
  return null;
}

/**
 * Returns the transpose of the matrix `name`. If `name` is itself a transpose, returns the matrix that was transposed.
 */
function transposed(b: Builder, name: string, find: Patterns['find']): Value {
  const already = find('Transpose', name);
  return already ? b.get(already.inputs[0]!) : b.add('Transpose', [b.get(name)], { perm: [1, 0] });
}

/**
 * Returns `graph` with W * (sum over i of g[i] * h[i]) rewritten as sum over i of g[i] * (W * h[i]), if the weights g
 * are among `changed`, W and h are not, and the products are narrower than h. The sum is a matrix product as in
 * `weightedSumsAsProducts`: g `[batch, n]`, h `[batch, n, k]`, W `[k, m]` with m < k. Everything that does not depend
 * on `changed` can then be computed once and stored as n * m numbers per row. Outputs are equal up to the order of
 * sums.
 */
export function productsInsideSums(graph: Graph, changed: ReadonlySet<string>): Graph {
  const patterns = patternsOf(graph);
  const moved = rewrite(graph, ({ b, node }) => {
    const value = node.op === 'Gemm' || node.op === 'MatMul' ? moveInside(b, node, changed, patterns) : null;
    return value && [value];
  });
  return prune(moved);
}

function moveInside(b: Builder, node: Node, changed: ReadonlySet<string>, patterns: Patterns): Value | null {
  const { find, get, numbersOf } = patterns;
  const matrix = matrixOf(node, get);
  const squeeze = find('Squeeze', node.inputs[0]);
  const sum = find('MatMul', squeeze?.inputs[0]);
  const row = find('Unsqueeze', sum?.inputs[0]);
  if (!matrix || !squeeze || !sum || !row) return null;
  if (![squeeze, row].every(({ inputs }) => numbersOf(inputs[1])?.join() === '1')) return null;
  const [weights, vectors] = [row.inputs[0]!, sum.inputs[1]!];
  if (!changed.has(weights) || changed.has(vectors) || changed.has(matrix.name)) return null;
  const [, , width] = get(vectors).shape;
  const [from, to] = matrix.sizes;
  if (get(vectors).shape.length !== 3 || width !== from || to >= from) return null;
  const fixed = matrix.isTransposed ? b.add('Transpose', [b.get(matrix.name)], { perm: [1, 0] }) : b.get(matrix.name);
  const products = b.add('MatMul', [b.get(vectors), fixed]);
  const mixed = b.add('MatMul', [b.add('Unsqueeze', [b.get(weights), b.ints([1])]), products]);
  const mix = b.add('Squeeze', [mixed, b.ints([1])]);
  return matrix.bias === '' ? mix : b.add('Add', [mix, b.get(matrix.bias)]);
}

interface Matrix {
  readonly name: string;
  /** Number of entries of a vector before and after the product. */
  readonly sizes: readonly [number, number];
  readonly isTransposed: boolean;
  /** The value that is added to the product; '' if there is none. */
  readonly bias: string;
}

/** The matrix of a product `x * W`; null if the node scales the product or transposes x. */
function matrixOf(node: Node, get: Patterns['get']): Matrix | null {
  const [, name, bias = ''] = node.inputs as [string, string, string?];
  const { shape } = get(name);
  if (shape.length !== 2 || shape.some((size) => typeof size !== 'number')) return null;
  const [rows, columns] = shape as [number, number];
  if (node.op === 'MatMul') return { name, sizes: [rows, columns], isTransposed: false, bias: '' };
  const { transA = 0, transB = 0, alpha = 1, beta = 1 } = (node as Node<'Gemm'>).attributes;
  if (transA !== 0 || alpha !== 1 || beta !== 1) return null;
  return { name, sizes: transB === 0 ? [rows, columns] : [columns, rows], isTransposed: transB !== 0, bias };
}
