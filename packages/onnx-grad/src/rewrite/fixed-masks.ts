/** Finds attention masks that an exporter wrote as initializers. They look like weights but must not be trained. */
import type { Graph } from '../graph/ir.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { OpType } from '../ops/attributes.ts';

/** The ops that add a mask to logits, or that change the shape or type of the mask before the addition. */
const USES: ReadonlySet<OpType> = new Set(['Add', 'Cast', 'Expand', 'Reshape', 'Slice', 'Squeeze', 'Unsqueeze']);

/**
 * Returns `graph` with masks as constants. A mask is a float32 initializer with at least two axes that contains -inf
 * but no +inf or NaN, and is only used in additions. Any other weight that contains an infinity is kept, so that the
 * caller's checks reject the weight.
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
  const consumers = nodes.filter(({ inputs }) => inputs.includes(name));
  return !outputs.includes(name) && consumers.length > 0 && consumers.every(({ op }) => USES.has(op));
}
