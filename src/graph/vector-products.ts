/** Writes the product of a transposed value and a vector so that ONNX Runtime's optimiser does not get it wrong. */
import type { Graph, Node } from './ir.ts';
import type { OpType } from './ops/attributes.ts';
import { rewrite } from './optimise/rewrite.ts';

/** ONNX Runtime looks through these for a Transpose to merge. */
const SEEN_THROUGH: ReadonlySet<OpType> = new Set<OpType>(['Identity', 'Cast']);

/**
 * `graph` with `MatMul(Transpose(x), v)`, `v` a vector, as a product with the matrix `[k, 1]` whose last axis is squeezed after: the same
 * numbers. ONNX Runtime 1.30 merges the Transpose into the MatMul, and then forgets it where the other side is a vector: it computes x v
 * (square matrices give wrong numbers in silence). A graph without such a product is returned as it is.
 */
export function spellVectorProducts(graph: Graph): Graph {
  const givers = new Map(graph.nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  const isTransposed = (name: string): boolean => {
    const giver = givers.get(name);
    if (giver === undefined) return false;
    return giver.op === 'Transpose' || (SEEN_THROUGH.has(giver.op) && isTransposed(giver.inputs[0]!));
  };
  const isMeant = ({ op, inputs }: Node): boolean =>
    op === 'MatMul' && graph.values.get(inputs[1]!)!.shape.length === 1 && isTransposed(inputs[0]!);
  if (!graph.nodes.some(isMeant)) return graph;
  return rewrite(graph, ({ b, node, inputs: [x, v] }) => {
    if (!isMeant(node) || x!.shape.length < 2) return null;
    const product = b.add('MatMul', [x!, b.add('Unsqueeze', [v!, b.ints([1])])]);
    return [b.add('Squeeze', [product, b.ints([-1])], {}, { name: node.name, outputs: node.outputs })];
  });
}
