/**
 * Cuts a graph at weighted sums of table rows. The sums become inputs, because computing them outside the graph is
 * faster.
 */
import { Builder } from '../graph/builder.ts';
import type { Graph, Node, Value } from '../graph/ir.ts';
import { prune, pruneInputs } from '../graph/prune.ts';
import { valuesReachedFrom } from '../graph/reach.ts';
import { type Patterns, patternsOf } from './patterns.ts';
import { rewrite } from './rewrite.ts';

/** A weighted sum of table rows for each row of a batch: sum over j of weights[j] * table[index[j], :]. */
export interface Pool {
  /** The name of an input or initializer of the graph, float32 `[rows, width]` or `[rows]`. */
  readonly table: string;
  readonly rows: number;
  readonly width: number;
  /** The name of an output of `indices` or an input of the graph, int32 `[batch]` or `[batch, length]`. */
  readonly index: string;
  readonly length: number;
  /**
   * The name of an output of `indices` or an input of the graph, float32 `[batch, length]`; null if all weights are 1.
   */
  readonly weights: string | null;
  /** The input of `rest` that contains the sums. `column` is the first column of the sums in this input. */
  readonly input: string;
  readonly column: number;
}

export interface PoolCut {
  readonly pools: readonly Pool[];
  /** The width of each input that contains sums, `[batch, width]`, by input name. */
  readonly columns: ReadonlyMap<string, number>;
  /** Computes indices and weights from the row inputs; null if all indices and weights are inputs. */
  readonly indices: Graph | null;
  /** `graph` with the sums as inputs. */
  readonly rest: Graph;
}

/**
 * Cuts `graph` at every look-up in a table that all rows of a batch share. `rowInputs` are the inputs with one row for
 * each row of the batch. A table that would make the total size exceed `maximumBytes` stays in the graph. The outputs
 * of `rest` equal the outputs of `graph` up to the order of sums.
 */
export function cutPools(graph: Graph, rowInputs: readonly string[], maximumBytes: number): PoolCut {
  const weighed = weighLookups(graph);
  const lookups = findLookups(weighed, rowInputs, maximumBytes);
  const joints = findJoints(weighed, lookups);
  const pools: Pool[] = [];
  const columns = new Map<string, number>();
  const indices = Builder.from(weighed);
  const wanted = new Map<string, Value>();
  const want = (name: string, dtype: 'int32' | 'float32'): string => {
    const value = indices.get(name);
    const typed = value.dtype === dtype ? value : indices.add('Cast', [value], { to: dtype });
    wanted.set(typed.name, typed);
    return typed.name;
  };
  const rest = rewrite(weighed, ({ b, node }) => {
    const joint = joints.get(node);
    const lookup = lookups.get(node.outputs[0]!);
    const parts = joint ?? (lookup ? [lookup] : null);
    if (!parts) return null;
    const [batch] = weighed.values.get(parts[0]!.index)!.shape;
    const name = `sums/${node.outputs[0]}`;
    const width = parts.reduce((sum, part) => sum + part.width, 0);
    const sums = b.input(name, 'float32', [batch!, width]);
    // a look-up in a joint concatenation also gets an input here; nothing uses this input, so pruning removes it
    if (joint || !isJoined(lookup!, joints)) {
      columns.set(name, width);
      let column = 0;
      for (const { table, rows, width: own, index, length, weights } of parts) {
        const pool = { table, rows, width: own, length, input: name, column };
        pools.push({ ...pool, index: want(index, 'int32'), weights: weights && want(weights, 'float32') });
        column += own;
      }
    }
    const { shape } = weighed.values.get(node.outputs[0]!)!;
    return [shape.length === 1 ? b.add('Reshape', [sums, b.ints([-1])]) : sums];
  });
  const computed = [...wanted.values()].filter(({ name }) => !graph.inputs.includes(name));
  return {
    pools,
    columns,
    indices:
      computed.length === 0
        ? null
        : pruneInputs(indices.build(`${graph.name}_indices`, computed), [], { initializers: true }),
    rest: pruneInputs(rest, [], { initializers: true }),
  };
}

interface Lookup {
  readonly output: string;
  readonly table: string;
  readonly rows: number;
  readonly width: number;
  readonly index: string;
  readonly length: number;
  readonly weights: string | null;
}

/**
 * Rewrites (sum over j of w[j] * x[j]) / d as sum over j of (w[j] / d) * x[j] if x is looked up, so that the sum can be
 * cut out.
 */
function weighLookups(graph: Graph): Graph {
  const { find, get, numbersOf } = patternsOf(graph);
  return prune(
    rewrite(graph, ({ b, node }) => {
      if (node.op !== 'Div') return null;
      const sum = pooledLists(node.inputs[0]!, { find, get, numbersOf });
      const column = find('Unsqueeze', node.inputs[1]);
      if (!sum || !column || numbersOf(column.inputs[1])?.join() !== '1') return null;
      if (get(column.inputs[0]!).shape.length !== 1) return null;
      const weights = b.add('Div', [b.get(sum.weights), b.get(node.inputs[1]!)]);
      const row = b.add('Unsqueeze', [weights, b.ints([1])]);
      return [b.add('Squeeze', [b.add('MatMul', [row, b.get(sum.lookup.outputs[0]!)]), b.ints([1])])];
    }),
  );
}

/**
 * Matches a product of weights `[batch, length]` and looked-up rows of a table. Returns null if `name` is not such a
 * product.
 */
function pooledLists(name: string, { find, get, numbersOf }: Patterns) {
  const squeeze = find('Squeeze', name);
  const product = find('MatMul', squeeze?.inputs[0]);
  const row = find('Unsqueeze', product?.inputs[0]);
  const lookup = find('Gather', product?.inputs[1]);
  if (!squeeze || !row || !lookup) return null;
  if (![squeeze, row].every(({ inputs }) => numbersOf(inputs[1])?.join() === '1')) return null;
  const weights = row.inputs[0]!;
  return get(weights).shape.length === 2 ? { lookup, weights } : null;
}

/** Matches a weighted sum of looked-up numbers. Returns null if `name` is not such a sum. */
function pooledNumbers(name: string, { find, get, numbersOf }: Patterns) {
  const sum = find('ReduceSum', name);
  const mul = find('Mul', sum?.inputs[0]);
  const axis = numbersOf(sum?.inputs[1])?.join();
  if (!mul || !(axis === '1' || axis === '-1')) return null;
  for (const [x, weights] of [mul.inputs, [...mul.inputs].reverse()] as [string, string][]) {
    const lookup = find('Gather', x);
    if (lookup && get(lookup.inputs[0]!).shape.length === 1 && get(weights).shape.join() === get(x).shape.join())
      return { lookup, weights };
  }
  return null;
}

/** The look-ups to cut out, by the name of the value that contains the sums. */
function findLookups(graph: Graph, rowInputs: readonly string[], maximumBytes: number): ReadonlyMap<string, Lookup> {
  const patterns = patternsOf(graph);
  const perRow = valuesReachedFrom(graph, rowInputs);
  const found = new Map<string, Lookup>();
  const tables = new Set<string>();
  let bytes = 0;
  for (const { op, outputs } of graph.nodes) {
    const [output] = outputs as [string];
    const own = op === 'Gather' ? patterns.find('Gather', output) : null;
    const pooled = own
      ? { lookup: own, weights: null }
      : (pooledLists(output, patterns) ?? pooledNumbers(output, patterns));
    if (!pooled) continue;
    const lookup = lookupOf(output, pooled, graph);
    if (!lookup || !perRow.has(lookup.index) || (lookup.weights !== null && !perRow.has(lookup.weights))) continue;
    if (!tables.has(lookup.table)) {
      const size = 4 * lookup.rows * lookup.width;
      if (bytes + size > maximumBytes) continue;
      bytes += size;
      tables.add(lookup.table);
    }
    found.set(output, lookup);
  }
  return found;
}

function lookupOf(
  output: string,
  { lookup, weights }: { lookup: Node<'Gather'>; weights: string | null },
  graph: Graph,
): Lookup | null {
  const [table, index] = lookup.inputs as [string, string];
  const { dtype, shape } = graph.values.get(table)!;
  const given = graph.inputs.includes(table) || graph.initializers.has(table);
  if (!given || dtype !== 'float32' || (lookup.attributes.axis ?? 0) !== 0 || shape.length > 2) return null;
  if (shape.some((dim) => typeof dim === 'string')) return null;
  const [batch, length = 1] = graph.values.get(index)!.shape;
  const lists = weights !== null;
  if (typeof batch !== 'string' || typeof length === 'string') return null;
  if (graph.values.get(index)!.shape.length !== (lists ? 2 : 1)) return null;
  if (lists && graph.values.get(weights)!.shape.join() !== graph.values.get(index)!.shape.join()) return null;
  const [rows, width = 1] = shape as readonly number[];
  return { output, table, rows: rows!, width, index, length, weights };
}

/**
 * The concatenations, by node, whose parts are all sums that are used nowhere else. Such a concatenation is replaced by
 * a single input that contains the sums side by side.
 */
function findJoints(graph: Graph, lookups: ReadonlyMap<string, Lookup>): ReadonlyMap<Node, readonly Lookup[]> {
  const uses = new Map<string, number>();
  for (const name of [...graph.nodes.flatMap((node) => node.inputs), ...graph.outputs])
    uses.set(name, (uses.get(name) ?? 0) + 1);
  const joints = new Map<Node, readonly Lookup[]>();
  for (const node of graph.nodes) {
    if (node.op !== 'Concat' || ![1, -1].includes((node as Node<'Concat'>).attributes.axis)) continue;
    const parts = node.inputs.map((name) => lookups.get(name));
    const isAlone = node.inputs.every((name) => uses.get(name) === 1 && graph.values.get(name)!.shape.length === 2);
    if (isAlone && parts.every((part) => part !== undefined)) joints.set(node, parts as Lookup[]);
  }
  return joints;
}

function isJoined(lookup: Lookup, joints: ReadonlyMap<Node, readonly Lookup[]>): boolean {
  return [...joints.values()].some((parts) => parts.includes(lookup));
}
