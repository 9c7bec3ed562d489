/** Computes, for each row, the coefficients of parameters that are not tables in the row's linear term. */
import { GraphError } from '../errors.ts';
import { Builder } from '../graph/builder.ts';
import { addGradients } from '../graph/differentiate.ts';
import type { Graph, Node, Value } from '../graph/ir.ts';
import { pruneInputs } from '../graph/prune.ts';
import { valuesReachedFrom } from '../graph/reach.ts';
import { type Dim, sameShape } from '../graph/tensor.ts';

/**
 * Elementwise ops. If an input has a value per row instead of one value for all rows, each output row uses the value of
 * that row.
 */
const ELEMENTWISE: readonly string[] = ['Add', 'Sub', 'Mul', 'Div', 'Neg', 'Identity'];

export interface RowFeatures {
  /** In this graph the parameters have a batch axis, `[batch, ..]`. Only their shapes matter. */
  readonly graph: Graph;
  /** The output with the coefficients of each parameter, `[batch, ..]`. */
  readonly outputs: ReadonlyMap<string, string>;
}

/**
 * `termGraph` computes `value`, one number per row that is linear in `parameters`. Each parameter is replaced by one
 * copy per row. The gradient of the sum of all rows with respect to a copy then contains the coefficients of its row,
 * because rows do not affect each other. Returns null if a parameter, or a value without a batch axis that depends on
 * parameters, is used in an op that is not elementwise. A parameter may get a first axis of size 1.
 */
export function rowFeatures(termGraph: Graph, value: string, parameters: readonly string[]): RowFeatures | null {
  const batch = termGraph.values.get(value)!.shape[0]!;
  const b = new Builder();
  const inputs = termGraph.inputs.map((name): [string, Value] => {
    const { dtype, shape } = termGraph.values.get(name)!;
    return [name, b.input(name, dtype, parameters.includes(name) ? [batch, ...shape] : shape)];
  });
  let values: ReadonlyMap<string, Value>;
  try {
    values = b.inline(termGraph, withUnsqueezed(termGraph, new Map(inputs), parameters), '');
  } catch (error) {
    if (error instanceof GraphError) return null;
    throw error;
  }
  if (!isByRow(termGraph, values, parameters, batch)) return null;
  const term = values.get(value)!;
  const sum = b.add('ReduceSum', [term, b.ints(term.shape.map((_, axis) => axis))], { keepdims: 0 });
  const copies = parameters.map((name) => values.get(name)!);
  const gradients = addGradients(b, b.build('sum', [sum]), sum, copies);
  const features = parameters.map((name) => b.add('Identity', [gradients.get(name)!], {}, { name: `feature/${name}` }));
  const whole = b.build(`${termGraph.name}_features`, features);
  return {
    graph: pruneInputs({ ...whole, overrides: new Map() }, []),
    outputs: new Map(parameters.map((name, i) => [name, features[i]!.name])),
  };
}

/** Adds the parameters that an Unsqueeze expands to `[1, ..]`, which are replaced by the same copies, `[batch, ..]`. */
function withUnsqueezed(
  graph: Graph,
  copies: ReadonlyMap<string, Value>,
  parameters: readonly string[],
): ReadonlyMap<string, Value> {
  const unsqueezed = graph.nodes.filter((node) => isUnsqueezed(graph, node, parameters));
  return new Map([
    ...copies,
    ...unsqueezed.map(({ inputs, outputs }) => [outputs[0]!, copies.get(inputs[0]!)!] as const),
  ]);
}

function isUnsqueezed({ values }: Graph, { op, inputs, outputs }: Node, parameters: readonly string[]): boolean {
  return (
    op === 'Unsqueeze' &&
    parameters.includes(inputs[0]!) &&
    sameShape(values.get(outputs[0]!)!.shape, [1, ...values.get(inputs[0]!)!.shape])
  );
}

/** Whether each row of each value in `values` depends on the copies of that row alone. */
function isByRow(graph: Graph, values: ReadonlyMap<string, Value>, parameters: readonly string[], batch: Dim): boolean {
  const reached = valuesReachedFrom(graph, parameters);
  const before = (name: string) => graph.values.get(name)!.shape;
  const isShared = (name: string) => reached.has(name) && !before(name).includes(batch);
  return graph.nodes.every((node) =>
    node.outputs.every((name) => {
      if (!reached.has(name)) return true;
      if (node.inputs.some(isShared) && !ELEMENTWISE.includes(node.op) && !isUnsqueezed(graph, node, parameters))
        return false;
      const after = values.get(name)!.shape;
      if (!isShared(name)) return sameShape(after, before(name));
      return sameShape(after, [batch, ...before(name)]) || sameShape(after, [batch, ...before(name).slice(1)]);
    }),
  );
}
