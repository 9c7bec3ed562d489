/** Gives a graph other inputs and outputs, by nodes that convert between the old and the new ones. */
import { Builder } from './builder.ts';
import type { Graph, Value } from './ir.ts';
import { nameDims } from './name-dims.ts';

export interface NewInterface {
  /**
   * Declares the new inputs, and returns a value for each old input. A parameter that is given a value is no longer a
   * parameter.
   */
  inputs(b: Builder): ReadonlyMap<string, Value>;
  /** The new outputs, computed from the old ones. */
  outputs(b: Builder, outputs: readonly Value[]): readonly Value[];
  /** Names reserved for new values; old values with these names are renamed. */
  readonly free?: readonly string[];
}

/**
 * `graph` with other inputs and outputs. Nodes, parameters and values keep their names unless a new value has one of
 * them. Everything is typed again: new inputs that do not fit are a GraphError.
 */
export function withInterface(graph: Graph, { inputs, outputs, free = [] }: NewInterface): Graph {
  const b = new Builder();
  b.reserve(graph.values.keys());
  b.reserve(free);
  const mapped = new Map(inputs(b));
  for (const [name, data] of graph.initializers) if (!mapped.has(name)) mapped.set(name, b.initializer(name, data));
  for (const [name, data] of graph.constants) mapped.set(name, b.namedConstant(name, data));
  for (const { op, name, inputs: from, outputs: to, attributes } of graph.nodes) {
    const values = b.addAll(
      op,
      from.map((input) => (input === '' ? null : mapped.get(input)!)),
      attributes,
      { name, outputs: to.map((output) => (b.has(output) || free.includes(output) ? '' : output)) },
    );
    to.forEach((output, i) => {
      mapped.set(output, values[i]!);
    });
  }
  const after = outputs(
    b,
    graph.outputs.map((name) => mapped.get(name)!),
  );
  return nameDims(b.build(graph.name, after), graph.values);
}
