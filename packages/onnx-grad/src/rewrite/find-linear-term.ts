/**
 * Finds the linear term of a head: a number per row that is linear in some parameters, which affect the output only
 * through this number. If a linear term exists, gradient descent on these parameters is a regression on fixed features.
 * For each row, computes the coefficients of parameters that are not tables in its linear term.
 */

import { GraphError } from '../errors.ts';
import { Builder } from '../graph/builder.ts';
import { addGradients } from '../graph/differentiate.ts';
import type { Graph, Node, Value } from '../graph/ir.ts';
import { pruneInputs } from '../graph/prune.ts';
import { valuesReachedFrom } from '../graph/reach.ts';
import { type Dim, sameShape } from '../graph/tensor.ts';
import { splitFrozen } from './split-frozen.ts';

/** One look-up in a table that is among the parameters. */
export interface LinearLookup {
  readonly parameter: string;
  /** The value that contains the indices of the table rows to read. */
  readonly index: string;
  /**
   * The output of `weightGraph` that contains, for each looked-up element, the element's factor in the linear term of
   * its row. The output has the shape of the look-up.
   */
  readonly weight: string;
}

/**
 * A value with one number per row. The number is linear in the parameters, and every path from the parameters to the
 * output goes through the value.
 */
export interface LinearTerm {
  /** The name of the value, `[batch]` or `[batch, 1]`. */
  readonly value: string;
  /** Computes the linear term from the head's inputs and the parameters. */
  readonly termGraph: Graph;
  /**
   * Computes the indices and weights of all look-ups from the same inputs and parameters as `termGraph`. Only the
   * shapes of the parameters matter. Null if there is no table.
   */
  readonly weightGraph: Graph | null;
  readonly lookups: readonly LinearLookup[];
  /** The parameters that are not tables. */
  readonly dense: readonly string[];
  /** Computes the coefficients of the parameters in `dense`; null if there are none. */
  readonly features: RowFeatures | null;
  /** Computes the output of the head from the head's inputs and the linear term, which is an input named `value`. */
  readonly linkGraph: Graph;
}

/**
 * Maximum total number of elements of parameters that are not tables. Each element takes a number per row in memory.
 */
const MOST_DENSE = 512;

/**
 * Finds the linear term of `head`, which comes from `splitFrozen` and has `parameters` among its inputs. The linear
 * term is the last value that has one number per row, is linear in the parameters, and lies on all paths from the
 * parameters to the output. Factors shared by all rows are left out. Returns null if there is no such value (for
 * example, if a parameter is inside a non-linear layer) or if the coefficients of a parameter that is not a table
 * cannot be computed (`rowFeatures`).
 */
export function findLinearTerm(head: Graph, parameters: readonly string[]): LinearTerm | null {
  const batch = head.values.get(head.outputs[0]!)!.shape[0];
  if (typeof batch !== 'string' || parameters.some((name) => !head.inputs.includes(name))) return null;
  const linear = linearValues(head, parameters, batch);
  const isTerm = (name: string): boolean => {
    const { shape } = head.values.get(name)!;
    const oneARow = shape[0] === batch && shape.slice(1).every((dim) => dim === 1) && shape.length <= 2;
    return oneARow && linear.has(name) && !reaches(head, parameters, name);
  };
  const last = head.nodes
    .flatMap(({ outputs }) => outputs)
    .reverse()
    .find(isTerm);
  if (last === undefined || head.outputs.includes(last)) return null;
  const value = withoutFactors(head, last, isTerm, batch);

  const termGraph = pruneInputs({ ...head, outputs: [value], overrides: new Map() }, parameters);
  const lookupNodes = termGraph.nodes.filter(
    (node) => node.op === 'Gather' && parameters.includes(node.inputs[0]!),
  ) as Node<'Gather'>[];
  const tables = new Set(lookupNodes.map(({ inputs }) => inputs[0]!));
  const dense = parameters.filter((name) => !tables.has(name));
  const usedWhole = termGraph.nodes.some(
    (node) => !lookupNodes.includes(node as Node<'Gather'>) && node.inputs.some((name) => tables.has(name)),
  );
  const size = (name: string) =>
    head.values.get(name)!.shape.reduce<number>((n, dim) => (typeof dim === 'number' ? n * dim : Infinity), 1);
  if (usedWhole || dense.reduce((sum, name) => sum + size(name), 0) > MOST_DENSE) return null;
  const features = dense.length === 0 ? null : rowFeatures(termGraph, value, dense);
  if (dense.length > 0 && features === null) return null;
  const { weightGraph, lookups } = weightsOf(termGraph, value, lookupNodes);
  return { value, termGraph, weightGraph, lookups, dense, features, linkGraph: splitFrozen(head, [value]).head };
}

/**
 * Returns the linear term in `value` without the factors that are inputs of the head and shared by all rows. These
 * factors are removed because such inputs may also be adapted.
 */
function withoutFactors(head: Graph, value: string, isTerm: (name: string) => boolean, batch: string): string {
  const isFactor = (name: string) => head.inputs.includes(name) && !head.values.get(name)!.shape.includes(batch);
  for (let at = value; ; ) {
    const node = head.nodes.find(({ outputs }) => outputs.includes(at));
    const inner = node?.op === 'Mul' && node.inputs.some(isFactor) ? node.inputs.find(isTerm) : undefined;
    if (inner === undefined) return at;
    at = inner;
  }
}

/** The values that depend on the parameters only through linear ops, and whose rows do not affect each other. */
function linearValues(head: Graph, parameters: readonly string[], batch: string): ReadonlySet<string> {
  const dependent = new Set(parameters);
  const linear = new Set(parameters);
  const shapeOf = (name: string) => head.values.get(name)!.shape;
  for (const node of head.nodes) {
    const dependents = node.inputs.filter((name) => dependent.has(name));
    if (dependents.length === 0) continue;
    for (const name of node.outputs) dependent.add(name);
    const output = shapeOf(node.outputs[0]!);
    // an op must not move rows, because each row's linear term depends only on that row's features
    const rowsStay = node.inputs.every((name) => name === '' || !shapeOf(name).includes(batch) || output[0] === batch);
    const rowsApart = output.slice(1).every((dim) => dim !== batch);
    if (
      dependents.every((name) => linear.has(name)) &&
      rowsStay &&
      rowsApart &&
      isLinear(node, (name) => dependent.has(name))
    )
      for (const name of node.outputs) linear.add(name);
  }
  return linear;
}

function isLinear(node: Node, isDependent: (name: string) => boolean): boolean {
  const [first, second] = node.inputs.map((name) => name !== '' && isDependent(name));
  switch (node.op) {
    case 'Gather':
      return !second && ((node as Node<'Gather'>).attributes.axis ?? 0) === 0;
    case 'Mul':
    case 'MatMul':
      return !(first && second);
    case 'Gemm':
    case 'Div':
    case 'Unsqueeze':
    case 'Squeeze':
    case 'Reshape':
    case 'ReduceSum':
    case 'ReduceMean':
      return !second;
    case 'Add':
    case 'Sub':
    case 'Neg':
    case 'Identity':
      return true;
    default:
      return false;
  }
}

/** Whether the parameters affect an output other than through `cut`. */
function reaches(head: Graph, parameters: readonly string[], cut: string): boolean {
  const around = { ...head, nodes: head.nodes.filter(({ outputs }) => !outputs.includes(cut)) };
  const reached = valuesReachedFrom(around, parameters);
  return head.outputs.some((name) => reached.has(name));
}

/**
 * Returns the only addend of `value` that depends on the parameters. This addend has the same gradient as `value`, and
 * the other addends need not be computed.
 */
function addendOf(graph: Graph, value: string, parameters: readonly string[]): string {
  const dependent = valuesReachedFrom(graph, parameters);
  const shapeOf = (name: string) => JSON.stringify(graph.values.get(name)!.shape);
  for (let at = value; ; ) {
    const node = graph.nodes.find(({ outputs }) => outputs.includes(at));
    const addends = node?.op === 'Add' ? node.inputs.filter((name) => dependent.has(name)) : [];
    if (addends.length !== 1 || shapeOf(addends[0]!) !== shapeOf(at)) return at;
    at = addends[0]!;
  }
}

/**
 * Computes the gradient of the sum of all terms with respect to the looked-up elements. Because rows are independent
 * and the terms are linear, this gradient contains the weight of each element.
 */
function weightsOf(
  termGraph: Graph,
  value: string,
  nodes: readonly Node<'Gather'>[],
): { weightGraph: Graph | null; lookups: LinearLookup[] } {
  if (nodes.length === 0) return { weightGraph: null, lookups: [] };
  const b = Builder.from(termGraph);
  const term = b.get(
    addendOf(
      termGraph,
      value,
      nodes.map(({ inputs: [table] }) => table!),
    ),
  );
  const axes = term.shape.map((_, axis) => axis);
  const sum = b.add('ReduceSum', [term, b.ints(axes)], { keepdims: 0 }, { name: 'sum_of_terms' });
  const targets = nodes.map(({ outputs }) => b.get(outputs[0]!));
  const gradients = addGradients(b, b.build('sum', [sum]), sum, targets);
  const outputs: Value[] = [];
  const lookups = nodes.map(({ inputs, outputs: [gathered] }, i): LinearLookup => {
    const weight = b.add('Identity', [gradients.get(gathered!)!], {}, { name: `weight/${i}` });
    outputs.push(weight);
    return { parameter: inputs[0]!, index: inputs[1]!, weight: weight.name };
  });
  const indices = lookups.map(({ index }) => index);
  const computed = [...new Set(indices)].filter((name) => !termGraph.inputs.includes(name)).map((name) => b.get(name));
  const whole = b.build(`${termGraph.name}_weights`, [...outputs, ...computed]);
  return { weightGraph: pruneInputs({ ...whole, overrides: new Map() }, []), lookups };
}

/**
 * Elementwise ops. If an input has a value per row instead of one value for all rows, each output row uses the value of
 * that row.
 */
const ELEMENTWISE: readonly string[] = ['Add', 'Sub', 'Mul', 'Div', 'Neg', 'Identity'];

interface RowFeatures {
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
function rowFeatures(termGraph: Graph, value: string, parameters: readonly string[]): RowFeatures | null {
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
