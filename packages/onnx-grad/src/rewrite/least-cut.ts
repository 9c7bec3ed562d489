/** Finds the fewest numbers per row from which the rest of a graph can be computed. */
import type { Graph, Node } from '../graph/ir.ts';
import { valuesReachedFrom } from '../graph/reach.ts';
import type { OpType } from '../ops/attributes.ts';

/** Ops whose results are worth storing, so the cut lies above these ops. */
const WORK: ReadonlySet<OpType> = new Set(['Gemm', 'MatMul', 'Einsum', 'Gather', 'GatherElements', 'GatherND']);

/** The values at which a graph is cut. Everything computed before these values depends on the rows alone. */
export interface RowCut {
  /** The names of the values. Each value has one row per row of the batch: `[batch, ..]`. */
  readonly values: readonly string[];
  /** Total number of elements per row; infinity if no such cut exists. */
  readonly width: number;
}

/**
 * Returns the narrowest cut between the values that depend on `rowInputs` alone and the values that also depend on
 * `changed`. Products and look-ups that do not depend on `changed` are below the cut; cheap ops are on the side that
 * makes the cut narrower. By Menger's theorem, the cut is as wide as the largest flow from the work to the rest (Ford
 * and Fulkerson 1956).
 */
export function leastCut(graph: Graph, rowInputs: readonly string[], changed: ReadonlySet<string>): RowCut {
  const perRow = valuesReachedFrom(graph, rowInputs);
  const isFixed = (name: string) => perRow.has(name) && !changed.has(name);
  const network = new Network((name) => widthOf(graph, rowInputs, name));
  const outputs = new Set(graph.outputs);
  for (const node of graph.nodes) {
    const fixed = node.inputs.filter(isFixed);
    if (node.outputs.some((name) => changed.has(name))) for (const name of fixed) network.readByRest(name);
    else for (const output of node.outputs) if (isFixed(output)) addNode(network, node, fixed, output);
  }
  for (const name of rowInputs) {
    if (!changed.has(name)) network.given(name);
    if (outputs.has(name)) network.readByRest(name);
  }
  for (const name of outputs) if (isFixed(name)) network.readByRest(name);
  return network.cut();
}

function addNode(network: Network, node: Node, inputs: readonly string[], output: string): void {
  if (WORK.has(node.op)) network.given(output);
  for (const input of inputs) network.connect(input, output);
}

/** The number of elements per row; infinity if it is unknown, or if the rows are not the first dimension. */
function widthOf(graph: Graph, rowInputs: readonly string[], name: string): number {
  const [batch, ...sizes] = graph.values.get(name)!.shape;
  if (batch !== graph.values.get(rowInputs[0]!)!.shape[0]) return Number.POSITIVE_INFINITY;
  return sizes.reduce<number>((width, size) => width * (typeof size === 'number' ? size : Infinity), 1);
}

const [SOURCE, SINK] = ['source', 'sink'];

/** A flow network in which the capacity of each value is its width. */
class Network {
  readonly #widthOf: (name: string) => number;
  readonly #capacity = new Map<string, Map<string, number>>();
  readonly #names = new Set<string>();

  constructor(widthOf: (name: string) => number) {
    this.#widthOf = widthOf;
  }

  /** Marks a value as an input or as the result of an op in `WORK`. */
  given(name: string): void {
    this.#enter(name);
    this.#add(SOURCE!, before(name), Number.POSITIVE_INFINITY);
  }

  readByRest(name: string): void {
    this.#enter(name);
    this.#add(after(name), SINK!, Number.POSITIVE_INFINITY);
  }

  connect(from: string, to: string): void {
    this.#enter(from);
    this.#enter(to);
    this.#add(after(from), before(to), Number.POSITIVE_INFINITY);
  }

  cut(): RowCut {
    for (let path = this.#path(); path !== null; path = this.#path()) {
      const flow = Math.min(...path.map(([from, to]) => this.#capacity.get(from)!.get(to)!));
      if (flow === Number.POSITIVE_INFINITY) return { values: [], width: Number.POSITIVE_INFINITY };
      for (const [from, to] of path) {
        this.#add(from, to, -flow);
        this.#add(to, from, flow);
      }
    }
    const above = this.#reachesSink();
    const values = [...this.#names].filter((name) => above.has(after(name)) && !above.has(before(name)));
    return { values, width: values.reduce((sum, name) => sum + this.#widthOf(name), 0) };
  }

  #enter(name: string): void {
    if (this.#names.has(name)) return;
    this.#names.add(name);
    this.#add(before(name), after(name), this.#widthOf(name));
  }

  #add(from: string, to: string, capacity: number): void {
    const edges = this.#capacity.get(from) ?? new Map<string, number>();
    this.#capacity.set(from, edges.set(to, (edges.get(to) ?? 0) + capacity));
  }

  /** For each vertex that the source reaches through edges with remaining capacity, the previous vertex on the path. */
  #reach(): ReadonlyMap<string, string | null> {
    const reached = new Map<string, string | null>([[SOURCE!, null]]);
    for (const from of reached.keys())
      for (const [to, capacity] of this.#capacity.get(from) ?? [])
        if (capacity > 0 && !reached.has(to)) reached.set(to, from);
    return reached;
  }

  /**
   * The vertices from which edges with remaining capacity lead to the sink. Of all narrowest cuts, these vertices
   * determine the cut nearest to the sink.
   */
  #reachesSink(): ReadonlySet<string> {
    const sources = new Map<string, string[]>();
    for (const [from, edges] of this.#capacity)
      for (const [to, capacity] of edges) if (capacity > 0) sources.set(to, [...(sources.get(to) ?? []), from]);
    const reached = new Set([SINK!]);
    for (const to of reached) for (const from of sources.get(to) ?? []) reached.add(from);
    return reached;
  }

  /** The edges of a shortest path with remaining capacity from the source to the sink; null if there is none. */
  #path(): readonly (readonly [string, string])[] | null {
    const reached = this.#reach();
    if (!reached.has(SINK!)) return null;
    const path: [string, string][] = [];
    for (let to = SINK!, from = reached.get(to); from; to = from, from = reached.get(to)) path.push([from, to]);
    return path;
  }
}

const before = (name: string): string => `in ${name}`;
const after = (name: string): string => `out ${name}`;
