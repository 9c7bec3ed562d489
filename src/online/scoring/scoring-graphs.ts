/** The parts of a model's graph that scoring runs: the campaign's part, look-ups, the users' part, and the head. */
import {
  cutPools,
  cutTables,
  type Dim,
  foldShared,
  type Graph,
  type PoolCut,
  splitFrozen,
  valuesReachedFrom,
  weightedSumsAsProducts,
} from '../../../packages/onnx-grad/index.ts';
import { isPerUser } from '../encode.ts';

/** Limit on the tables' total size, because each thread holds its own copy of the tables in a 32-bit address space. */
const MAXIMUM_TABLE_BYTES = 2 ** 31;
/**
 * Maximum number of outputs of the users' part, per user. Writing and reading more outputs would cost more than the
 * users' part saves.
 */
const MAXIMUM_BOUNDARY = 64;

/** The parts of the graph, in the order in which they run. */
export interface ScoringGraphs {
  /**
   * The part that does not depend on users, such as products of parameters; null if empty. It runs once per campaign
   * and call.
   */
  readonly campaign: Graph | null;
  /** Look-ups in tables, and sums of the rows that were looked up. */
  readonly pools: PoolCut;
  /**
   * The part that does not depend on adapted parameters; null if empty. Its outputs are equal for all campaigns with
   * equal features.
   */
  readonly users: Graph | null;
  /**
   * The part that computes the score from the outputs of the other three parts, the users' inputs and the parameters.
   */
  readonly head: Graph;
}

/** A graph split into the part that does not depend on users and the rest, from which look-ups are cut out. */
export interface PooledGraph {
  readonly campaign: Graph | null;
  readonly pools: PoolCut;
  /** The inputs that have one row per user. */
  readonly rowInputs: readonly string[];
}

export function pooledGraph(
  graph: Graph,
  adapted: readonly string[],
  maximumTableBytes: number = MAXIMUM_TABLE_BYTES,
): PooledGraph {
  const cut = cutTables(graph, adapted, { compact: false }).compactGraph;
  const perUser = cut.inputs.filter((name) => graph.inputs.includes(name) && isPerUser(graph, name));
  const folded = foldShared(weightedSumsAsProducts(cut), perUser);
  // inputs with a batch dimension
  const rowInputs = folded.inputs.filter((name) =>
    folded.values.get(name)!.shape.some((dim) => typeof dim === 'string'),
  );
  const { body: campaign, head: scored } = splitFrozen(folded, rowInputs);
  return { campaign, pools: cutPools(scored, rowInputs, maximumTableBytes), rowInputs };
}

export function scoringGraphs(graph: Graph, adapted: readonly string[], maximumTableBytes?: number): ScoringGraphs {
  const { campaign, pools } = pooledGraph(graph, adapted, maximumTableBytes);
  return { campaign, pools, ...splitUsers(pools, campaign, adapted) };
}

function splitUsers(
  { pools, rest }: PoolCut,
  campaign: Graph | null,
  adapted: readonly string[],
): Pick<ScoringGraphs, 'users' | 'head'> {
  const changed = new Set(campaign ? valuesReachedFrom(campaign, adapted) : adapted);
  for (const { table, input } of pools) if (changed.has(table)) changed.add(input);
  const starts = rest.inputs.filter((name) => changed.has(name));
  const { body, head } = splitFrozen(rest, starts);
  const boundary = body?.outputs.reduce((sum, name) => sum + widthOf(body.values.get(name)!.shape), 0);
  return body && boundary! <= MAXIMUM_BOUNDARY ? { users: body, head } : { users: null, head: rest };
}

/** The number of values in a row; infinity if the number is unknown. */
function widthOf([, ...sizes]: readonly Dim[]): number {
  return sizes.reduce<number>((width, dim) => width * (typeof dim === 'number' ? dim : Number.POSITIVE_INFINITY), 1);
}
