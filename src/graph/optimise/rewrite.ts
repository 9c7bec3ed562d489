/** Walks over a graph and lets a rule put other values in the place of a node's: what every optimisation is made of. */
import { Builder } from '../builder.ts';
import type { Graph, Node, Tensor, Value } from '../ir.ts';
import { nameDims } from '../name-dims.ts';

/** A node as a rule sees it. Names are those of the graph before; values are those of the new one. */
export interface Place {
  readonly b: Builder;
  readonly node: Node;
  /** The node's inputs in the new graph; null where one is left out. */
  readonly inputs: readonly (Value | null)[];
  /** The node that gives the value of this name, or null: an input, a parameter, a constant, or a value with a gradient given by hand, which rules must not look behind. */
  giver(name: string): Node | null;
  /** What the new graph has for the value of this name, which stands before the node. */
  value(name: string): Value;
  /** The tensor of a constant. */
  constant(name: string): Tensor | null;
  /** True where only one node uses the value, and it need not keep its name. */
  isOnlyUsedOnce(name: string): boolean;
  /** True where the value has a gradient given by hand. */
  hasOverride(name: string): boolean;
  /** The node as it is, with other inputs if given: what stands where no rule applies. */
  copy(inputs?: readonly (Value | null)[]): readonly Value[];
}

/** What stands for the outputs of a node, equal to them; null leaves the node as it is. */
export type Rule = (place: Place) => readonly Value[] | null;

/**
 * `graph` with each node replaced by what `rule` gives for it. Outputs, and values that gradients given by hand name, keep their
 * names (an Identity stands where it must); sizes keep theirs where they can. What is not needed any more is still there.
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
  const uses = new Map<string, number>();
  const givers = new Map<string, Node>();
  for (const node of graph.nodes) {
    for (const name of node.inputs) uses.set(name, (uses.get(name) ?? 0) + 1);
    for (const name of node.outputs) givers.set(name, node);
  }
  for (const node of graph.nodes) {
    const inputs = node.inputs.map((name) => (name === '' ? null : mapped.get(name)!));
    const copy = (given: readonly (Value | null)[] = inputs) =>
      b.addAll(node.op, given, node.attributes, { name: node.name, outputs: node.outputs });
    const place: Place = {
      b,
      node,
      inputs,
      giver: (name) => (graph.overrides.has(name) ? null : (givers.get(name) ?? null)),
      value: (name) => mapped.get(name)!,
      constant: (name) => graph.constants.get(name) ?? null,
      isOnlyUsedOnce: (name) => uses.get(name) === 1 && !kept.has(name),
      hasOverride: (name) => graph.overrides.has(name),
      copy,
    };
    const values = b.named(`${node.name}/`, () => rule(place)) ?? copy();
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
