/** Rewrites products of a matrix and a vector for which ONNX Runtime's optimiser would produce wrong results. */
import type { Graph } from '../graph/ir.ts';
import { rewrite } from './rewrite.ts';

/**
 * Replaces each `MatMul(x, v)` of a vector `v` and a value `x` that depends on a Transpose. The replacement multiplies
 * `x` by `v` as a matrix `[k, 1]` and then squeezes the last axis, which gives the same numbers. ONNX Runtime 1.30
 * moves a Transpose down to the MatMul (through Where, Mul, Cast and others) and merges the two nodes, but loses the
 * Transpose if the other input is a vector. For square matrices, the results are then silently wrong. A graph without
 * such a product is returned unchanged.
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
