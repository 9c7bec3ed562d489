/** Cuts a graph at the look-ups in its embedding tables, so that the tables can be compact. */
import { Builder } from '../graph/builder.ts';
import { dependentValues } from '../graph/differentiate.ts';
import type { Graph, Node, Value } from '../graph/ir.ts';
import { pruneInputs } from '../graph/prune.ts';
import { valuesReachedFrom } from '../graph/reach.ts';

/** One look-up of a compact table. */
export interface CutLookup {
  /** The output of the index graph that contains the numbers of the rows to read from the full table. */
  readonly index: string;
  /**
   * The input of the compact graph that contains the positions of these rows in the compact table, int32, in the shape
   * of `index`.
   */
  readonly input: string;
  /** The value in the compact graph that contains the rows that were read. */
  readonly output: string;
}

export interface CutTable {
  readonly parameter: string;
  /** Number of rows of the full table. */
  readonly rows: number;
  readonly lookups: readonly CutLookup[];
}

export interface TableCut {
  readonly tables: readonly CutTable[];
  /** The reason why a parameter stays whole, by parameter. */
  readonly dense: ReadonlyMap<string, string>;
  /** The graph that computes the indices of all look-ups from the inputs. */
  readonly indexGraph: Graph;
  /**
   * The graph with all `parameters` as inputs, and with further inputs for the positions of look-ups. A compact table
   * is an input `[rows.<parameter>, ..]`.
   */
  readonly compactGraph: Graph;
}

/**
 * Cuts `graph` at every `Gather` that reads one of `parameters` along axis 0 with indices that do not depend on a
 * parameter. A parameter with any other use stays whole. With `compact: false`, all parameters stay whole.
 */
export function cutTables(graph: Graph, parameters: readonly string[], options: { compact?: boolean } = {}): TableCut {
  const reached = valuesReachedFrom(graph, parameters);
  const lookupsOf = new Map<string, Node<'Gather'>[]>();
  const dense = new Map<string, string>();
  for (const parameter of parameters) {
    const reason = options.compact === false ? 'compact tables are switched off' : whyDense(graph, parameter, reached);
    if (reason !== null) dense.set(parameter, reason);
    else lookupsOf.set(parameter, graph.nodes.filter((node) => node.inputs.includes(parameter)) as Node<'Gather'>[]);
  }

  const b = new Builder();
  const values = new Map<string, Value>();
  for (const name of graph.inputs)
    if (!parameters.includes(name)) values.set(name, copyInput(b, graph.values.get(name)!));
  for (const name of parameters) {
    const value = graph.values.get(name)!;
    const shape = lookupsOf.has(name) ? [`rows.${name}`, ...value.shape.slice(1)] : value.shape;
    values.set(name, b.input(name, value.dtype, shape));
  }
  const tables: CutTable[] = [];
  for (const [parameter, nodes] of lookupsOf) {
    const lookups = nodes.map((node, i): CutLookup => {
      const index = graph.values.get(node.inputs[1]!)!;
      const input = `${parameter}.place${i === 0 ? '' : `.${i}`}`;
      const place = b.input(input, 'int32', index.shape);
      const read = b.add('Gather', [values.get(parameter)!, place], { axis: 0 }, { name: node.name });
      values.set(node.outputs[0]!, read);
      return { index: index.name, input, output: read.name };
    });
    tables.push({ parameter, rows: graph.values.get(parameter)!.shape[0] as number, lookups });
  }
  const mapped = b.inline(graph, values, '');
  const compact = b.build(
    graph.name,
    graph.outputs.map((name) => mapped.get(name)!),
  );
  return {
    tables,
    dense,
    indexGraph: indexGraphOf(graph, tables),
    compactGraph: pruneInputs(compact, parameters),
  };
}

function copyInput(b: Builder, value: Value): Value {
  return b.input(value.name, value.dtype, value.shape, value.known);
}

/** The reason why `parameter` cannot be a compact table; null if it can. */
function whyDense(graph: Graph, parameter: string, reached: ReadonlySet<string>): string | null {
  const consumers = graph.nodes.filter((node) => node.inputs.includes(parameter));
  const { shape } = graph.values.get(parameter)!;
  if (graph.outputs.includes(parameter)) return 'the parameter is an output';
  if (consumers.length === 0) return 'no node uses the parameter';
  for (const node of consumers) {
    const isLookup = node.op === 'Gather' && node.inputs[0] === parameter && node.inputs[1] !== parameter;
    if (!isLookup || ((node as Node<'Gather'>).attributes.axis ?? 0) !== 0 || shape.length < 1)
      return `${node.op} node "${node.name}" uses the whole parameter`;
    if (reached.has(node.inputs[1]!)) return `the indices of "${node.name}" depend on a parameter`;
  }
  return null;
}

function indexGraphOf(graph: Graph, tables: readonly CutTable[]): Graph {
  const names = new Set(tables.flatMap((table) => table.lookups.map((lookup) => lookup.index)));
  // tables are left out, so that a session of this graph does not keep a second copy of each table in memory
  return pruneInputs({ ...graph, outputs: [...names], overrides: new Map() }, [], { initializers: true });
}

/** The float parameters of `graph` that affect an output through ops with a gradient. */
export function trainableParameters(graph: Graph): string[] {
  return [...graph.initializers.keys()].filter((name) => {
    const dependent = dependentValues(graph, new Set([name]));
    return graph.outputs.some((output) => dependent.has(output));
  });
}
