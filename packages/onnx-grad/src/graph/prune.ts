/** Removes the parts of a graph that no output needs. */
import type { Graph, Node } from './ir.ts';

export interface PruneOptions {
  /** Whether to remove unused parameters as well. Default: false. */
  readonly initializers?: boolean;
  /**
   * Whether to keep the hand-written gradients of the remaining values, and the nodes that these gradients need.
   * Default: true.
   */
  readonly overrides?: boolean;
}

/**
 * Returns `graph` without the nodes and constants that no output needs. All inputs and the order of the nodes are kept.
 */
export function prune(graph: Graph, { initializers = false, overrides = true }: PruneOptions = {}): Graph {
  const needed = neededValues(graph, overrides);
  const keep = <T>(map: ReadonlyMap<string, T>): Map<string, T> =>
    new Map([...map].filter(([name]) => needed.has(name)));
  const nodes = graph.nodes.filter((node) => node.outputs.some((output) => needed.has(output)));
  const parameters = initializers ? keep(graph.initializers) : graph.initializers;
  // a node that is kept keeps all its outputs
  for (const node of nodes) for (const output of node.outputs) needed.add(output);
  for (const name of [...graph.inputs, ...parameters.keys()]) needed.add(name);
  return {
    ...graph,
    initializers: parameters,
    constants: keep(graph.constants),
    nodes,
    values: keep(graph.values),
    overrides: overrides ? keep(graph.overrides) : new Map(),
  };
}

/**
 * Returns `graph` with only the parts that the outputs need. Unused inputs are removed too, except the inputs named in
 * `keep`.
 */
export function pruneInputs(graph: Graph, keep: readonly string[], options: PruneOptions = {}): Graph {
  const pruned = prune(graph, options);
  const used = new Set([...pruned.nodes.flatMap((node) => node.inputs), ...pruned.outputs, ...keep]);
  const inputs = pruned.inputs.filter((name) => used.has(name));
  const values = new Map([...pruned.values].filter(([name]) => !pruned.inputs.includes(name) || inputs.includes(name)));
  return { ...pruned, inputs, values };
}

function neededValues(graph: Graph, overrides: boolean): Set<string> {
  const producers = new Map<string, Node>();
  for (const node of graph.nodes) for (const output of node.outputs) producers.set(output, node);
  const needed = new Set<string>();
  const open = [...graph.outputs];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (needed.has(name)) continue;
    needed.add(name);
    open.push(...(producers.get(name)?.inputs ?? []).filter((input) => input !== ''));
    // an override may depend on nodes that follow the overridden value
    if (overrides) for (const { input, gradient } of graph.overrides.get(name) ?? []) open.push(input, gradient);
  }
  return needed;
}

/** The nodes that are needed for the outputs of `graph` or for the gradients of its overrides. */
export function neededNodes(graph: Graph): ReadonlySet<Node> {
  const needed = new Set<string>(graph.outputs);
  for (const list of graph.overrides.values()) for (const { input, gradient } of list) needed.add(input).add(gradient);
  const nodes = new Set<Node>();
  for (const node of [...graph.nodes].reverse()) {
    if (!node.outputs.some((output) => needed.has(output))) continue;
    nodes.add(node);
    for (const input of node.inputs) needed.add(input);
  }
  return nodes;
}
