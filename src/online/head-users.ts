/** Selects the users on whom heads are adapted; they are sampled once for all passes and folds. */
import { type Rng, sample, shuffle } from '../lib/rng.ts';
import type { DescentSettings } from '../model/manifest.ts';
import { heldOutSeeds, type Outside, totalWeight, type WeightedSeeds, withMeanOne, without } from './negatives.ts';
import type { CustomiseRequest } from './online-context.ts';
import { scoresOf } from './quality/seed-ranks.ts';

/**
 * Maximum number of candidates in the pool from which negatives are sampled (higher if there are many seeds). The pool
 * is sampled once.
 */
export const POOL_ROWS = 20_000;
/**
 * Maximum number of seeds that heads learn from; these seeds are sampled once. More seeds would change the result less
 * than drawing another sample of negatives would.
 */
const MOST_SEEDS = 2000;
/** Maximum number of dismissed users who are negatives in every step; these users are sampled once. */
const MOST_DISMISSED = 2000;
/**
 * Minimum share of the pool that fits the filters, even if few seeds fit, because held-out seeds are ranked among the
 * users who fit.
 */
const LEAST_INSIDE = 0.25;
const NO_ROWS = new Int32Array(0);
const NOBODY: Outside = { seeds: NO_ROWS, others: NO_ROWS, dismissed: NO_ROWS };

/** The rows that heads learn from, as positions among the run's rows. */
export interface HeadRows {
  readonly positives: Int32Array;
  /** Weights by position; covers at least the positives. Absent if all are 1. */
  readonly weights?: Float32Array | undefined;
  /** The pool from which negatives are sampled. */
  readonly pool: Int32Array;
  /** Rows that are negatives in every step. */
  readonly always?: Int32Array;
  /** Weight of these negatives compared with a sampled negative; 1 by default. */
  readonly alwaysWeight?: number;
  /** The users who do not fit the filters; present only if there are filters. All other users fit. */
  readonly outside?: null | {
    /** Number of positives who do not fit the filters, or their total weight. */
    readonly positives: number;
    readonly pool: Int32Array;
    readonly always: Int32Array;
  };
}

/** The users of a run; all fields except `rows` are positions in `rows`. */
export interface HeadUsers {
  /**
   * Rows of the population: first the seeds, then the pools, then the ranked and dismissed users who are in no pool.
   */
  readonly rows: Int32Array;
  readonly positives: Int32Array;
  /** Positives who are never held out, ascending. */
  readonly alwaysLearned: Int32Array;
  readonly negatives: Omit<HeadRows, 'positives'>;
  /** Users among whom held-out seeds are ranked; empty if no ranking is requested. */
  readonly ranked: Int32Array;
}

export function headUsers(request: CustomiseRequest, settings: DescentSettings, rng: Rng): HeadUsers {
  const { seeds, seedWeights } = sampleSeeds(request, rng.fork('seeds'));
  const poolSize = Math.max(request.poolRows ?? POOL_ROWS, Math.round(seeds.length * settings.negatives_per_seed));
  const out = outsideOf(request, seeds);
  const weightOutside = totalWeight(out.seeds, { seeds, seedWeights });
  const insideSize = weightOutside === 0 ? poolSize : Math.round(poolSize * insideShare(seeds.length, weightOutside));
  const sampled = sampleOf(request.candidates, insideSize, rng.fork('pool'));
  const sampledOutside = sampleOf(out.others, poolSize - insideSize, rng.fork('pool outside'));
  const dismissed = sampleOf(request.dismissed ?? NO_ROWS, MOST_DISMISSED, rng.fork('dismissed'));
  const dismissedOutside = sampleOf(out.dismissed, MOST_DISMISSED, rng.fork('dismissed outside'));
  const ranked = request.withoutQuality ? NO_ROWS : without(request.ranked ?? sampled, request.dismissed ?? NO_ROWS);
  const places = new Map<number, number>();
  for (const part of [seeds, sampled, sampledOutside, ranked, dismissed, dismissedOutside])
    for (const row of part) if (!places.has(row)) places.set(row, places.size);
  const placesOf = (own: Int32Array) => own.map((row) => places.get(row)!);
  const mayBeHeldOut = heldOutSeeds({ ...request, seeds });
  const outside = {
    positives: weightOutside,
    pool: placesOf(sampledOutside),
    always: placesOf(dismissedOutside),
  };
  return {
    rows: Int32Array.from(places.keys()),
    positives: Int32Array.from(seeds.keys()),
    alwaysLearned: placesOf(without(seeds, mayBeHeldOut)),
    negatives: {
      pool: placesOf(sampled),
      always: placesOf(dismissed),
      alwaysWeight: request.negativeWeight ?? 1,
      outside: request.outside ? outside : null,
      ...(seedWeights && { weights: seedWeights }),
    },
    ranked: placesOf(ranked),
  };
}

/**
 * The users who do not fit the filters. Seeds are included only if they were sampled. Empty if all sampled seeds fit.
 */
function outsideOf({ outside }: CustomiseRequest, seeds: Int32Array): Outside {
  if (!outside) return NOBODY;
  const own = without(seeds, without(seeds, outside.seeds));
  return own.length === 0 ? NOBODY : { ...outside, seeds: own };
}

/**
 * The share of the pool that fits the filters. It equals the share of the seeds who fit, but is always large enough to
 * rank seeds among the users who fit.
 */
function insideShare(seeds: number, outside: number): number {
  return Math.max(1 - outside / seeds, LEAST_INSIDE);
}

/**
 * Samples at most `MOST_SEEDS` seeds. The probability of a seed is proportional to its weight, and all drawn seeds get
 * the same weight. If the probability would exceed 1, the seed is always drawn, and the excess becomes its weight. So
 * the expected value of a sum over the sample is the weighted sum over all seeds, with little variance.
 */
function sampleSeeds({ seeds, seedWeights }: WeightedSeeds, rng: Rng): WeightedSeeds {
  if (!seedWeights || seeds.length <= MOST_SEEDS) return { seeds: sampleOf(seeds, MOST_SEEDS, rng), seedWeights };
  // probability = min(1, weight / unit); unit is chosen so that the probabilities add up to MOST_SEEDS
  const sorted = seedWeights.toSorted();
  let left = sorted.reduce((sum, weight) => sum + weight, 0);
  let always = 0;
  while (sorted.at(-1 - always)! * (MOST_SEEDS - always) >= left) {
    left -= sorted.at(-1 - always)!;
    always += 1;
  }
  const unit = left / (MOST_SEEDS - always);
  // systematic sampling in random order: a seed is drawn whenever the running sum passes a whole number
  const order = Int32Array.from(seeds.keys());
  shuffle(rng, order);
  let sum = rng.uniform();
  const isDrawn = (i: number) => {
    const before = Math.floor(sum);
    sum += Math.min(1, seedWeights[i]! / unit);
    return Math.floor(sum) > before;
  };
  const drawn = order.filter(isDrawn).sort();
  return {
    seeds: Int32Array.from(drawn, (i) => seeds[i]!),
    seedWeights: withMeanOne(Float32Array.from(drawn, (i) => Math.max(1, seedWeights[i]! / unit))),
  };
}

/** Samples at most `most` of the ascending `rows`; the order stays the same. */
function sampleOf(rows: Int32Array, most: number, rng: Rng): Int32Array {
  return rows.length <= most ? rows : sample(rng, rows, most).sort();
}

/** The weights of the positives, with mean 1; undefined if all are 1. */
export function positiveWeights({ positives, weights }: HeadRows): Float32Array | undefined {
  return weights && withMeanOne(Float32Array.from(positives, (place) => weights[place]!));
}

/**
 * The weights in the loss: those of the positives, then 1 for each of the `sampled` negatives, then those of the
 * `always` negatives. Undefined if all are 1.
 */
export function lossWeights(rows: HeadRows, sampled: number, always: number): Float32Array | undefined {
  const weights = positiveWeights(rows);
  const { positives, alwaysWeight = 1 } = rows;
  if (!weights && (alwaysWeight === 1 || always === 0)) return undefined;
  const all = new Float32Array(positives.length + sampled + always).fill(1);
  if (weights) all.set(weights);
  return all.fill(alwaysWeight, positives.length + sampled);
}

/** Returns the pool without its highest-scoring users. `share` is the share of the pool to leave out. */
export function cutTop(pool: Int32Array, share: number, scores: Float32Array): Int32Array {
  const left = pool.slice().sort();
  const cut = Math.floor(share * left.length);
  if (cut === 0) return left;
  const sorted = scoresOf(left, scores).sort();
  const threshold = sorted[sorted.length - cut]!;
  // among users with equal scores, the users in the first rows are left out
  let tied = cut;
  for (let i = sorted.length - 1; sorted[i]! > threshold; i--) tied -= 1;
  return left.filter((row) => {
    const score = scores[row]!;
    return score < threshold || (score === threshold && tied-- <= 0);
  });
}
