/** What scoring runs of a model's graph: the campaign's part, look-ups, the users' part, and the head. */
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

/** Each thread has its own copy of the tables, with 32-bit addresses. */
const MAXIMUM_TABLE_BYTES = 2 ** 31;
/** A users' part with more numbers a user is no part: writing and reading them would cost more than it saves. */
const MAXIMUM_BOUNDARY = 64;

/** In the order in which they run. */
export interface ScoringGraphs {
  /** What does not depend on users, such as products of parameters: once a campaign and call; null if nothing. */
  readonly campaign: Graph | null;
  /** Look-ups in tables, and sums of what is read. */
  readonly pools: PoolCut;
  /** What no adapted parameter changes: the same for all campaigns of equal features; null if nothing. */
  readonly users: Graph | null;
  /** Outputs of all three, users' inputs and parameters -> the score. */
  readonly head: Graph;
}

export function scoringGraphs(
  graph: Graph,
  adapted: readonly string[],
  maximumTableBytes: number = MAXIMUM_TABLE_BYTES,
): ScoringGraphs {
  const cut = cutTables(graph, adapted, { compact: false }).compactGraph;
  const perUser = cut.inputs.filter((name) => graph.inputs.includes(name) && isPerUser(graph, name));
  const folded = foldShared(weightedSumsAsProducts(cut), perUser);
  // inputs that have the batch among their sizes
  const ofBatch = folded.inputs.filter((name) => folded.values.get(name)!.shape.some((dim) => typeof dim === 'string'));
  const { body: campaign, head: scored } = splitFrozen(folded, ofBatch);
  const pools = cutPools(scored, ofBatch, maximumTableBytes);
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

/** Numbers of a row; infinitely many where that is not known. */
function widthOf([, ...sizes]: readonly Dim[]): number {
  return sizes.reduce<number>((width, dim) => width * (typeof dim === 'number' ? dim : Number.POSITIVE_INFINITY), 1);
}
