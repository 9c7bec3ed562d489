/** Walks over a graph and lets a rule put other values in the place of a node's. */
import { Builder } from './builder.ts';
import type { Graph, Node, Value } from './ir.ts';
import { nameDims } from './name-dims.ts';

/** A node as a rule sees it. Its names are those of the graph before; values are those of the new one. */
export interface Place {
  readonly b: Builder;
  readonly node: Node;
  /** The node's inputs in the new graph; null where one is left out. */
  readonly inputs: readonly (Value | null)[];
}

/** What stands for the outputs of a node, equal to them; null leaves the node as it is. */
export type Rule = (place: Place) => readonly Value[] | null;

/**
 * `graph` with each node replaced by what `rule` returns for it. Outputs, and values that gradients given by hand name,
 * keep their names (an Identity stands where it must); sizes keep theirs where they can. What is not needed any more is
 * still there.
 */
export function rewrite(graph: Graph, rule: Rule): Graph {
  const b = new Builder();
  const mapped = new Map<string, Value>();
  b.reserve(graph.values.keys());
  for (const name of graph.inputs) {
    const { dtype, shape } = graph.values.get(name)!;
    mapped.set(name, b.input(name, dtype, shape));
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
  // sizes are inferred anew: they get the names back that they had
  return nameDims({ ...built, overrides: graph.overrides }, graph.values);
}

/** Names that others hold on to: outputs, and all that gradients given by hand are made of. */
function keptNames(graph: Graph): ReadonlySet<string> {
  const kept = new Set(graph.outputs);
  for (const [name, list] of graph.overrides) {
    kept.add(name);
    for (const { input, gradient } of list) kept.add(input).add(gradient);
  }
  return kept;
}
