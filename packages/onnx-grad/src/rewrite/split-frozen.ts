/** Splits a graph into a body, which does not depend on certain parameters, and a head, which does. */

import { GraphError } from '../errors.ts';
import { Builder } from '../graph/builder.ts';
import type { Graph, Value } from '../graph/ir.ts';
import { prune, pruneInputs } from '../graph/prune.ts';
import { valuesReachedFrom } from '../graph/reach.ts';
import type { Tensor } from '../graph/tensor.ts';
import { knownTensor } from '../graph/tensor-values.ts';

export interface Split {
  /** The graph that computes the boundary from the inputs; null if the boundary consists of inputs only. */
  readonly body: Graph | null;
  /**
   * Computes the outputs from the boundary and the parameters. A parameter is an input or an initializer, as in the
   * original graph.
   */
  readonly head: Graph;
  /**
   * The values that the head reads and that do not depend on the parameters. These values become inputs of the head
   * under the same names.
   */
  readonly boundary: readonly string[];
}

/**
 * Splits `graph` at `parameters`, which may be initializers, inputs or intermediate values. Intermediate values become
 * inputs of the head. An output that depends on none of `parameters` causes a GraphError. Initializers and constants
 * that both parts read are in both parts.
 */
export function splitFrozen(graph: Graph, parameters: readonly string[]): Split {
  const dependent = valuesReachedFrom(graph, parameters);
  const headNodes = graph.nodes.filter((node) => node.inputs.some((name) => dependent.has(name)));
  for (const name of graph.outputs)
    if (!dependent.has(name)) throw new GraphError(`output "${name}" depends on none of ${parameters.join(', ')}`);
  const isOutside = (name: string) =>
    name !== '' && !dependent.has(name) && !graph.constants.has(name) && !graph.initializers.has(name);
  const outside = [...new Set(headNodes.flatMap((node) => node.inputs.filter(isOutside)))];
  // values that are known without a run stay constants in the head; if they were inputs, they would only be known at
  // run time
  const fixed = new Map(
    outside.flatMap((name): [string, Tensor][] => {
      const tensor = graph.inputs.includes(name) ? null : knownTensor(graph.values.get(name)!);
      return tensor ? [[name, tensor]] : [];
    }),
  );
  const boundary = outside.filter((name) => !fixed.has(name));

  const b = new Builder();
  const values = new Map<string, Value>();
  for (const [name, tensor] of fixed) values.set(name, b.constant(tensor, name));
  const input = (name: string) => {
    const { dtype, shape, known } = graph.values.get(name)!;
    values.set(name, b.input(name, dtype, shape, known));
  };
  const isGiven = (name: string) => graph.inputs.includes(name) || graph.initializers.has(name);
  for (const name of graph.inputs) if (dependent.has(name)) input(name);
  for (const name of parameters) if (!isGiven(name)) input(name);
  for (const name of boundary) input(name);
  const needed: Graph = {
    ...graph,
    inputs: graph.inputs.filter((name) => values.has(name)),
    nodes: headNodes,
    overrides: new Map(),
  };
  const mapped = b.inline(needed, values, '');
  const head = prune(
    b.build(
      `${graph.name}_head`,
      graph.outputs.map((name) => mapped.get(name)!),
    ),
    { initializers: true },
  );

  const computed = boundary.filter((name) => !graph.inputs.includes(name));
  if (computed.length === 0) return { body: null, head, boundary };
  const whole: Graph = { ...graph, name: `${graph.name}_body`, outputs: computed, overrides: new Map() };
  return { body: pruneInputs(whole, [], { initializers: true }), head, boundary };
}
