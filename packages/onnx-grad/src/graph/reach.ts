/** Which values depend on others. */
import type { Graph } from './ir.ts';

/** `sources` and every value computed from them, through any op. */
export function valuesReachedFrom({ nodes }: Graph, sources: Iterable<string>): ReadonlySet<string> {
  const reached = new Set(sources);
  for (const node of nodes)
    if (node.inputs.some((name) => reached.has(name))) for (const name of node.outputs) reached.add(name);
  return reached;
}
