/**
 * Splits a model's graph into the part that depends on users alone (the user side), which is computed once, and the
 * rest.
 */
import {
  type Graph,
  leastCut,
  type Node,
  type Pool,
  productsInsideSums,
  splitAt,
  valuesReachedFrom,
} from '../../../packages/onnx-grad/index.ts';
import { isPerUser } from '../encode.ts';
import { type PooledGraph, pooledGraph } from '../scoring/scoring-graphs.ts';

/**
 * Maximum number of values per user, not counting tokens of lists. Reading more values would take longer than computing
 * them.
 */
const MAXIMUM_WIDTH = 256;
/** Maximum total length of a user's lists of tokens. Most users have far fewer tokens. */
const MAXIMUM_TOKENS = 4096;
/** A model has a user side only if the user side saves at least this share of the products and look-ups. */
const MINIMUM_SAVED = 0.5;

export interface UserSideGraphs {
  /** The part that does not depend on users; null if empty. It runs once per campaign and call. */
  readonly campaign: Graph | null;
  /** Computes the indices and weights of all look-ups; null if all of them are inputs. */
  readonly indices: Graph | null;
  /** Look-ups whose sums the user side needs, and the width of each input for sums. */
  readonly pools: readonly Pool[];
  readonly columns: ReadonlyMap<string, number>;
  /** Computes the values of the user side from users' inputs and sums; null if all of them are inputs. */
  readonly users: Graph | null;
  /** The names of the user side's values that are not lists. */
  readonly values: readonly string[];
  /** Look-ups in tables that differ between campaigns. The user side contains the lists of indices and weights. */
  readonly lists: readonly Pool[];
  /**
   * Computes the score from the user side, the sums of `lists`, the outputs of the campaign's part, and the parameters.
   */
  readonly head: Graph;
}

/** The graphs of a model's user side, or the reason why the model has no user side. */
export type UserSideVerdict =
  | { readonly graphs: UserSideGraphs; readonly width: number; readonly tokens: number; readonly saved: number }
  | { readonly graphs: null; readonly reason: string };

export function userSideGraphs(graph: Graph, adapted: readonly string[], maximumTableBytes?: number): UserSideVerdict {
  if (graph.inputs.some((name) => name.startsWith('campaign.') && isPerUser(graph, name)))
    return { graphs: null, reason: 'the graph takes the features of the campaign once per user' };
  const { campaign, pools: cut, rowInputs } = pooledGraph(graph, adapted, maximumTableBytes);
  const changed = changedInputs({ campaign, pools: cut, rowInputs }, graph, adapted);
  const rest = productsInsideSums(cut.rest, valuesReachedFrom(cut.rest, changed));
  const rows = [...rowInputs.filter((name) => rest.inputs.includes(name)), ...cut.columns.keys()];
  const reached = valuesReachedFrom(rest, changed);
  const { values, width } = leastCut(rest, rows, reached);
  // sums of several tables may share an input, and are then computed together
  const lists = cut.pools.filter(({ input }) => changed.has(input));
  const tokens = [...new Map(lists.map(({ index, length }) => [index, length])).values()].reduce((a, b) => a + b, 0);
  if (width > MAXIMUM_WIDTH || tokens > MAXIMUM_TOKENS) {
    const numbers = width === Number.POSITIVE_INFINITY ? 'an unknown number of values' : `${width} values`;
    const needed = `it would take ${numbers} and up to ${tokens} tokens per user`;
    return { graphs: null, reason: `${needed}; the maximum is ${MAXIMUM_WIDTH} values and ${MAXIMUM_TOKENS} tokens` };
  }
  const { below: users, above: head } = splitAt(rest, values);
  const pools = cut.pools.filter((pool) => !lists.includes(pool));
  const saved = (users ? costOf(users) : 0) + costOfPools(pools);
  const total = costOf(rest) + costOfPools(cut.pools);
  if (saved < MINIMUM_SAVED * total) {
    const percent = Math.round((100 * saved) / Math.max(total, 1));
    return { graphs: null, reason: `users alone determine only ${percent} % of the products and look-ups` };
  }
  const columns = new Map([...cut.columns].filter(([name]) => pools.some(({ input }) => input === name)));
  const graphs = { campaign, indices: cut.indices, pools, columns, users, values, lists, head };
  return { graphs, width, tokens, saved: saved / total };
}

/** The names of all inputs and tables that depend on the campaign or on adapted parameters. */
function changedInputs(
  { campaign, pools }: PooledGraph,
  graph: Graph,
  adapted: readonly string[],
): ReadonlySet<string> {
  const features = graph.inputs.filter((name) => name.startsWith('campaign.'));
  const starts = [...adapted, ...features];
  const changed = new Set([...starts, ...(campaign ? valuesReachedFrom(campaign, starts) : [])]);
  for (const { table, input } of pools.pools) if (changed.has(table)) changed.add(input);
  return changed;
}

/** Number of multiplications per user in matrix products. */
function costOf(graph: Graph): number {
  return graph.nodes.reduce((sum, node) => sum + costOfNode(graph, node), 0);
}

function costOfNode(graph: Graph, { op, inputs, outputs }: Node): number {
  if (op !== 'Gemm' && op !== 'MatMul') return 0;
  const shape = graph.values.get(outputs[0]!)!.shape;
  if (!shape.some((dim) => typeof dim === 'string')) return 0;
  const columns = shape.reduce<number>((product, dim) => product * (typeof dim === 'number' ? dim : 1), 1);
  const inner = graph.values.get(inputs[0]!)!.shape.at(-1);
  return columns * (typeof inner === 'number' ? inner : 1);
}

function costOfPools(pools: readonly Pool[]): number {
  return pools.reduce((sum, { width, length }) => sum + width * length, 0);
}
