/** Puts other inputs before a graph and other outputs behind it, with nodes between that turn one into the other. */
import { Builder } from './builder.ts';
import type { Graph, Value } from './ir.ts';
import { nameDims } from './name-dims.ts';

export interface NewInterface {
  /**
   * Declares the new inputs, and returns what stands for each input that the graph has now; a parameter that it gives a
   * value is none any more.
   */
  inputs(b: Builder): ReadonlyMap<string, Value>;
  /** The new outputs, out of those that the graph has now. */
  outputs(b: Builder, outputs: readonly Value[]): readonly Value[];
  /** Names of values that are wanted for others: what has them now is called otherwise. */
  readonly free?: readonly string[];
}

/**
 * `graph` behind other inputs and before other outputs. Its nodes, parameters and values keep their names, but for
 * values whose name a new one has. Everything is typed anew: a graph that the new inputs do not fit is a GraphError.
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
