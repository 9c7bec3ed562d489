/** Splits a graph at given values. */
import { Builder } from '../graph/builder.ts';
import type { Graph, Value } from '../graph/ir.ts';
import { pruneInputs } from '../graph/prune.ts';

/**
 * The two parts of `graph`, which is split at `values`. `below` computes the values that are not inputs of the graph;
 * it is null if all values are inputs. `above` takes the values as inputs with the same names, and computes the graph's
 * outputs. Initializers and constants that both parts read are in both parts.
 */
export function splitAt(
  graph: Graph,
  values: readonly string[],
): { readonly below: Graph | null; readonly above: Graph } {
  const plain: Graph = { ...graph, overrides: new Map() };
  const b = new Builder();
  const given = new Map<string, Value>();
  for (const name of new Set([...graph.inputs, ...values])) {
    const { dtype, shape, known } = graph.values.get(name)!;
    given.set(name, b.input(name, dtype, shape, known));
  }
  const mapped = b.inline(plain, given, '');
  const outputs = graph.outputs.map((name) => mapped.get(name)!);
  const computed = values.filter((name) => !graph.inputs.includes(name));
  return {
    below:
      computed.length === 0
        ? null
        : pruneInputs({ ...plain, name: `${graph.name}_below`, outputs: computed }, [], { initializers: true }),
    above: pruneInputs(b.build(`${graph.name}_above`, outputs), [], { initializers: true }),
  };
}
