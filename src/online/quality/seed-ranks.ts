/** The ranks of seeds that a model has not seen, among the rows from which an audience is cut. */
import { type Rng, sampleWithoutReplacement } from '../../lib/rng.ts';

/** Ranks of held-out seeds, one entry per seed. The seeds themselves are not among the ranked rows. */
export interface SeedRanks {
  /** Number of ranked rows; at least one. */
  readonly rows: number;
  /** Number of ranked rows that score above each seed. */
  readonly above: Int32Array;
  /** Number of ranked rows that score the same as each seed. */
  readonly tied: Int32Array;
  /** The weight of each seed; absent if all are equal. */
  readonly weights?: Float32Array;
}

/**
 * Number of folds of the seeds. With ten folds a model would learn from more seeds, but ranking would take twice as
 * long.
 */
export const PARTS = 5;
/**
 * Once this many seeds are ranked, no further fold is ranked, because a share of this many seeds has a standard error
 * of at most .016.
 */
export const ENOUGH_SEEDS = 1000;

/** Ranks the scores of held-out seeds among the scores of other rows. `weights` belong to the seeds. */
export function rankSeeds(
  seeds: readonly number[] | Float32Array,
  rows: Float32Array,
  weights?: Float32Array,
): SeedRanks {
  const sorted = rows.slice().sort();
  const above = new Int32Array(seeds.length);
  const tied = new Int32Array(seeds.length);
  for (const [i, score] of seeds.entries()) {
    const notAbove = countBelow(sorted, score, true);
    above[i] = sorted.length - notAbove;
    tied[i] = notAbove - countBelow(sorted, score, false);
  }
  return { rows: sorted.length, above, tied, ...(weights && { weights }) };
}

/** Combines the ranks of several folds, all among the same number of rows. */
export function joinRanks(parts: readonly SeedRanks[]): SeedRanks {
  const join = (of: (part: SeedRanks) => Int32Array) => Int32Array.from(parts.flatMap((part) => [...of(part)]));
  const [{ rows, weights }] = parts as readonly [SeedRanks];
  return {
    rows,
    above: join(({ above }) => above),
    tied: join(({ tied }) => tied),
    ...(weights && { weights: Float32Array.from(parts.flatMap((part) => [...part.weights!])) }),
  };
}

/**
 * The effective number of weighted seeds: (sum of w)^2 / sum of w^2 (Kish 1965). That many equally weighted seeds would
 * give the same certainty. Without weights, the number of seeds.
 */
export function effectiveSeeds({ above, weights }: SeedRanks): number {
  return weights ? sumOf(weights) ** 2 / sumOf(weights.map((weight) => weight * weight)) : above.length;
}

function sumOf(values: Float32Array | Float64Array): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum;
}

/** The seeds that a model learns from, and the seeds held out from it; both ascending. */
export interface Fold {
  readonly learning: Int32Array;
  readonly held: Int32Array;
  /** Random numbers for learning on this fold. */
  readonly rng: Rng;
}

/**
 * Splits the rows `seeds` into five folds. Returns only the first folds if these hold enough seeds, and none if there
 * are too few seeds.
 */
export function foldsOf(seeds: Int32Array, rng: Rng): Fold[] {
  if (seeds.length < PARTS) return [];
  const order = sampleWithoutReplacement(rng.fork('order'), seeds.length, seeds.length).map((i) => seeds[i]!);
  const folds: Fold[] = [];
  for (let part = 0, count = 0; part < PARTS && count < ENOUGH_SEEDS; part++) {
    const held = order.filter((_, place) => place % PARTS === part).sort();
    const learning = order.filter((_, place) => place % PARTS !== part).sort();
    folds.push({ learning, held, rng: rng.fork(`part/${part}`) });
    count += held.length;
  }
  return folds;
}

/**
 * Ranks the held-out seeds of each fold among the rows `ranked` with a model that did not learn from these seeds:
 * `score` learns from the other seeds and returns the scores of all rows. Only the folds in `which` are ranked. There
 * are no ranks if there are no rows.
 */
export async function rankFolds(
  folds: readonly Fold[],
  ranked: Int32Array,
  score: (fold: Fold, part: number) => Promise<Float32Array>,
  {
    which = [...folds.keys()],
    onPart = () => {},
    weights,
  }: {
    readonly which?: readonly number[];
    readonly onPart?: (share: number) => void;
    /** The weights of seeds by row. */
    readonly weights?: Float32Array;
  } = {},
): Promise<readonly FoldRanks[]> {
  if (ranked.length === 0) return [];
  const parts: FoldRanks[] = [];
  const wanted = which.filter((part) => part < folds.length);
  for (const [done, part] of wanted.entries()) {
    const fold = folds[part]!;
    const scores = await score(fold, part);
    const own = weights && scoresOf(fold.held, weights);
    parts.push({ fold: part, ranks: rankSeeds(scoresOf(fold.held, scores), scoresOf(ranked, scores), own) });
    onPart((done + 1) / wanted.length);
  }
  return parts;
}

/** The scores (or weights) of `rows`, in their order. `scores` covers all rows. */
export function scoresOf(rows: Int32Array, scores: Float32Array): Float32Array {
  const out = new Float32Array(rows.length);
  for (let i = 0; i < rows.length; i++) out[i] = scores[rows[i]!]!;
  return out;
}

/** The ranks of one fold's held-out seeds. */
export interface FoldRanks {
  readonly fold: number;
  readonly ranks: SeedRanks;
}

/** Combines the ranks of all folds, in any order; null if there are none. */
export function joinFolds(parts: readonly FoldRanks[]): SeedRanks | null {
  const inOrder = [...parts].sort((a, b) => a.fold - b.fold);
  return inOrder.length === 0 ? null : joinRanks(inOrder.map(({ ranks }) => ranks));
}

/** The AUC: the probability that a seed, drawn by weight, scores above a random row; ties count half. */
export function aucOf(ranks: SeedRanks): number {
  const wins = winsOf(ranks);
  const { weights } = ranks;
  if (!weights) return sumOf(wins) / wins.length;
  return sumOf(wins.map((own, i) => own * weights[i]!)) / sumOf(weights);
}

/** The probability that each seed scores above a random row; ties count half. */
export function winsOf({ rows, above, tied }: SeedRanks): Float64Array {
  return Float64Array.from(above, (count, i) => 1 - (count + tied[i]! / 2) / rows);
}

/** Number of rows in the top `share` of `rows`; at least one. */
export function topCount(rows: number, share: number): number {
  return Math.min(rows, Math.max(1, Math.ceil(share * rows)));
}

/**
 * How many of the `effectiveSeeds` would be among the top `count` if they were ranked with the rows. A tied seed is
 * equally likely to be at any of the tied places.
 */
export function hitsAt(ranks: SeedRanks, count: number): number {
  const { above, tied, weights } = ranks;
  const unit = weights ? effectiveSeeds(ranks) / sumOf(weights) : 1;
  let hits = 0;
  for (let i = 0; i < above.length; i++) {
    const own = Math.min(Math.max((count - above[i]!) / (tied[i]! + 1), 0), 1);
    hits += weights ? own * unit * weights[i]! : own;
  }
  return hits;
}

/** Number of elements of the ascending `sorted` that are below `x`; with `orEqual`, the number that are at most `x`. */
function countBelow(sorted: Float32Array, x: number, orEqual: boolean): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    const value = sorted[middle]!;
    if (value < x || (orEqual && value === x)) low = middle + 1;
    else high = middle;
  }
  return low;
}
