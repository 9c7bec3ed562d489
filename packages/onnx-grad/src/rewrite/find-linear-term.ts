/**
 * Finds the linear term: the one number per row through which some parameters act. If there is one, descent on them is
 * a regression on fixed features.
 */
import { Builder } from '../graph/builder.ts';
import { addGradients } from '../graph/differentiate.ts';
import type { Graph, Node, Value } from '../graph/ir.ts';
import { pruneInputs } from '../graph/prune.ts';
import { valuesReachedFrom } from '../graph/reach.ts';
import { splitFrozen } from './split-frozen.ts';

/** One look-up of a table among the parameters. */
export interface LinearLookup {
  readonly parameter: string;
  /** The value that contains the rows to read, as the model computes them. */
  readonly index: string;
  /**
   * The output of `weightGraph` with each looked-up element's contribution to its row's term, in the shape of the
   * look-up.
   */
  readonly weight: string;
}

/** One number per row that is linear in the parameters, and the only path from the parameters to the output. */
export interface LinearTerm {
  /** The name of the value, `[batch]` or `[batch, 1]`. */
  readonly value: string;
  /** Computes the term from the head's inputs and the parameters. */
  readonly termGraph: Graph;
  /**
   * Computes indices and weights of all look-ups from the same inputs and parameters (of which it uses only the
   * shapes); null if there is no table.
   */
  readonly weightGraph: Graph | null;
  readonly lookups: readonly LinearLookup[];
  /** Parameters that are not tables: they have few elements, whose features are read off one by one. */
  readonly dense: readonly string[];
  /** Computes the head's output from the term, which is an input with the term's name, and the head's inputs. */
  readonly linkGraph: Graph;
}

/** Maximum number of elements of parameters that are not tables. */
const MOST_DENSE = 512;

/**
 * The linear term of `head` (from `splitFrozen`, with `parameters` among its inputs): the last value with one number
 * per row that is linear in the parameters and that all paths from them to the output go through, without factors that
 * all rows share. null if there is none, for example if a parameter is inside a non-linear layer.
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
  const { weightGraph, lookups } = weightsOf(termGraph, value, lookupNodes);
  return { value, termGraph, weightGraph, lookups, dense, linkGraph: splitFrozen(head, [value]).head };
}

/**
 * The factor of `value` that is a term, without inputs of the head that all rows share: such inputs may be adapted as
 * well.
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

/** The values that depend on the parameters through linear ops only, with rows that are independent of each other. */
function linearValues(head: Graph, parameters: readonly string[], batch: string): ReadonlySet<string> {
  const dependent = new Set(parameters);
  const linear = new Set(parameters);
  const shapeOf = (name: string) => head.values.get(name)!.shape;
  for (const node of head.nodes) {
    const dependents = node.inputs.filter((name) => dependent.has(name));
    if (dependents.length === 0) continue;
    for (const name of node.outputs) dependent.add(name);
    const output = shapeOf(node.outputs[0]!);
    // rows must keep their places: each row's term depends on its own features
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

/** Whether the parameters reach an output without passing through `cut`. */
function reaches(head: Graph, parameters: readonly string[], cut: string): boolean {
  const around = { ...head, nodes: head.nodes.filter(({ outputs }) => !outputs.includes(cut)) };
  const reached = valuesReachedFrom(around, parameters);
  return head.outputs.some((name) => reached.has(name));
}

/**
 * The addend of `value` through which all parameters act: its gradient is that of `value`, without the other addends.
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
 * The gradient of the sum of all terms with respect to the looked-up elements. As rows are independent and the term is
 * linear, that is the weight of each element.
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
