/** Walks a graph and lets a rule replace the values of its nodes. */
import { Builder } from '../graph/builder.ts';
import type { Graph, Node, Value } from '../graph/ir.ts';
import { nameDims } from '../graph/name-dims.ts';

/** A node as passed to a rule. `node` is in the old graph, and `inputs` are in the new graph. */
export interface Place {
  readonly b: Builder;
  readonly node: Node;
  /** The node's inputs in the new graph; null for an omitted input. */
  readonly inputs: readonly (Value | null)[];
}

/** A rule returns values equal to the outputs of a node, or null to keep the node. */
export type Rule = (place: Place) => readonly Value[] | null;

/**
 * Returns `graph` with each node replaced by the result of `rule`. Outputs, and values that hand-written gradients
 * name, keep their names (if necessary, an Identity is added). Sizes keep their names if possible. Nodes that are no
 * longer needed remain; `prune` removes them.
 */
export function rewrite(graph: Graph, rule: Rule): Graph {
  const b = new Builder();
  const mapped = new Map<string, Value>();
  b.reserve(graph.values.keys());
  for (const name of graph.inputs) {
    const { dtype, shape, known } = graph.values.get(name)!;
    mapped.set(name, b.input(name, dtype, shape, known));
  }
  for (const [name, data] of graph.initializers) mapped.set(name, b.initializer(name, data));
  for (const [name, data] of graph.constants) mapped.set(name, b.namedConstant(name, data));

  const kept = keptNames(graph);
  for (const node of graph.nodes) {
    const inputs = node.inputs.map((name) => (name === '' ? null : mapped.get(name)!));
    const values =
      b.named(`${node.name}/`, () => rule({ b, node, inputs })) ??
      b.addAll(node.op, inputs, node.attributes, { name: node.name, outputs: node.outputs });
    node.outputs.forEach((name, i) => {
      const value = values[i]!;
      const isNamed = value.name === name || !kept.has(name);
      mapped.set(name, isNamed ? value : b.add('Identity', [value], {}, { name: node.name, outputs: [name] }));
    });
  }
  const built = b.build(
    graph.name,
    graph.outputs.map((name) => mapped.get(name)!),
  );
  // type inference has given sizes new names; the old names are restored
  return nameDims({ ...built, overrides: graph.overrides }, graph.values);
}

/** The names that must not change: the names of outputs and of values in hand-written gradients. */
function keptNames(graph: Graph): ReadonlySet<string> {
  const kept = new Set(graph.outputs);
  for (const [name, list] of graph.overrides) {
    kept.add(name);
    for (const { input, gradient } of list) kept.add(input).add(gradient);
  }
  return kept;
}
