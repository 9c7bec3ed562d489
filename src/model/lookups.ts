/** Finds the look-ups of a graph, that is, which inputs index which tables. */
import { type Graph, isFloat, type Node } from '../../packages/onnx-grad/index.ts';

export interface Lookup {
  readonly table: string;
  /** Number of rows of the table. */
  readonly rows: number;
  /** Name of the node. */
  readonly node: string;
  /** The graph value with the row numbers to read. */
  readonly index: string;
  /** Inputs of the graph that the row numbers depend on, in the graph's order. */
  readonly inputs: readonly string[];
}

/**
 * All `Gather` nodes that read rows (axis 0) of a float parameter, compact or not, with indices that depend on no
 * parameter. The nodes are in the graph's order.
 */
export function findLookups(graph: Graph): Lookup[] {
  const giver = new Map<string, Node>();
  for (const node of graph.nodes) for (const output of node.outputs) giver.set(output, node);
  const lookups: Lookup[] = [];
  for (const node of graph.nodes) {
    const [table, index] = node.inputs;
    const data = table === undefined ? undefined : graph.initializers.get(table);
    if (node.op !== 'Gather' || !data || !isFloat(data.dtype) || data.shape.length === 0) continue;
    if (((node as Node<'Gather'>).attributes.axis ?? 0) !== 0) continue;
    const behind = sourcesOf(index!, giver);
    if ([...behind].some((name) => isFloat(graph.initializers.get(name)?.dtype ?? 'bool'))) continue;
    const inputs = graph.inputs.filter((name) => behind.has(name));
    lookups.push({ table: table!, rows: data.shape[0]!, node: node.name, index: index!, inputs });
  }
  return lookups;
}

/** Returns `value` and everything that it is computed from. */
function sourcesOf(value: string, giver: ReadonlyMap<string, Node>): ReadonlySet<string> {
  const found = new Set<string>();
  const open = [value];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (found.has(name)) continue;
    found.add(name);
    open.push(...(giver.get(name)?.inputs ?? []).filter((input) => input !== ''));
  }
  return found;
}
