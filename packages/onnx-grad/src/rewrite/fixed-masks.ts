/** Masks of an attention that an exporter folded into initializers: no weights, though they look like some. */
import type { Graph } from '../graph/ir.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { OpType } from '../ops/attributes.ts';

/** Ops that add a mask to logits, or bring it into their shape. */
const USES: ReadonlySet<OpType> = new Set(['Add', 'Cast', 'Expand', 'Reshape', 'Slice', 'Squeeze', 'Unsqueeze']);

/**
 * `graph` with its masks as constants, which are never trained: matrices, or larger, of -inf and finite numbers that
 * are only added. A weight with an infinity is left, for whoever checks weights to refuse.
 */
export function fixMasks(graph: Graph): Graph {
  const masks = [...graph.initializers].filter(([name, value]) => looksLikeMask(value) && isOnlyAdded(graph, name));
  if (masks.length === 0) return graph;
  const names = new Set(masks.map(([name]) => name));
  return {
    ...graph,
    initializers: new Map([...graph.initializers].filter(([name]) => !names.has(name))),
    constants: new Map([...graph.constants, ...masks]),
  };
}

function looksLikeMask({ dtype, shape, data }: Tensor): boolean {
  if (dtype !== 'float32' || shape.length < 2) return false;
  const numbers = data as Float32Array;
  return numbers.includes(Number.NEGATIVE_INFINITY) && numbers.every((x) => x < Number.POSITIVE_INFINITY);
}

function isOnlyAdded({ nodes, outputs }: Graph, name: string): boolean {
  const users = nodes.filter(({ inputs }) => inputs.includes(name));
  return !outputs.includes(name) && users.length > 0 && users.every(({ op }) => USES.has(op));
}
