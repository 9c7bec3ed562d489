/** Rewrites products of a matrix and a vector that ONNX Runtime's optimiser would get wrong. */
import type { Graph } from '../graph/ir.ts';
import { rewrite } from './rewrite.ts';

/**
 * `graph` with `MatMul(x, v)`, if `v` is a vector and `x` has a Transpose upstream, replaced by a product with the
 * matrix `[k, 1]` whose last axis is then squeezed; the numbers are the same. ONNX Runtime 1.30 moves a Transpose down
 * to the MatMul (through Where, Mul, Cast and others) and merges the two, but loses the Transpose if the other side is
 * a vector: square matrices silently give wrong numbers. A graph without such a product is returned unchanged.
 */
export function spellVectorProducts(graph: Graph): Graph {
  const turned = new Set<string>();
  const meant = new Set<string>();
  for (const { op, name, inputs, outputs } of graph.nodes) {
    if (op === 'Transpose' || inputs.some((input) => turned.has(input)))
      for (const output of outputs) turned.add(output);
    if (op !== 'MatMul' || !turned.has(inputs[0]!)) continue;
    const [x, v] = inputs.map((input) => graph.values.get(input)!.shape.length) as [number, number];
    if (x > 1 && v === 1) meant.add(name);
  }
  if (meant.size === 0) return graph;
  return rewrite(graph, ({ b, node, inputs: [x, v] }) => {
    if (!meant.has(node.name)) return null;
    const product = b.add('MatMul', [x!, b.add('Unsqueeze', [v!, b.ints([1])])]);
    return [b.add('Squeeze', [product, b.ints([-1])], {}, { name: node.name, outputs: node.outputs })];
  });
}
