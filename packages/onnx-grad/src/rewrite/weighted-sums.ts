/** Rewrites weighted sums of vectors as matrix products, which ONNX Runtime computes faster. */
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
