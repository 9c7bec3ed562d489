/**
 * Replaces the inputs and outputs of a graph by adding nodes that convert between the old and the new inputs and
 * outputs.
 */
import { Builder } from './builder.ts';
import type { Graph, Value } from './ir.ts';
import { nameDims } from './name-dims.ts';

export interface NewInterface {
  /**
   * Declares the new inputs and returns a value for each old input. If a value is returned for a parameter, it replaces
   * the parameter.
   */
  inputs(b: Builder): ReadonlyMap<string, Value>;
  /** Returns the new outputs, computed from the old outputs. */
  outputs(b: Builder, outputs: readonly Value[]): readonly Value[];
  /** Names that are reserved for new values. Old values with these names are renamed. */
  readonly free?: readonly string[];
}

/**
 * Returns `graph` with different inputs and outputs. Nodes, parameters and values keep their names, unless a new value
 * uses the name. All types are inferred again; a new input that does not fit causes a GraphError.
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
