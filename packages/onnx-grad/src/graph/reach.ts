/** Finds the values that depend on given values. */
import type { Graph } from './ir.ts';

/** The names of `sources` and of all values that are computed from them by any op. */
export function valuesReachedFrom({ nodes }: Graph, sources: Iterable<string>): ReadonlySet<string> {
  const reached = new Set(sources);
  for (const node of nodes)
    if (node.inputs.some((name) => reached.has(name))) for (const name of node.outputs) reached.add(name);
  return reached;
}
