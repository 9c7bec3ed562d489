/**
 * Decides how many negatives fit a campaign's filters. The share of negatives that fit is the same as the share of
 * seeds that fit, because otherwise a model could learn the filters from the difference.
 */

import type { AddedRows } from '../population/read.ts';

/** A value for users who fit the filters, and a value for users who do not. */
export interface Sides<T> {
  readonly inside: T;
  readonly outside: T;
}

/** Users of a campaign who do not fit its filters, as rows of the population, ascending. */
export interface Outside {
  readonly seeds: Int32Array;
  /** Users who do not fit the filters and are neither seeds nor suppressed; may be empty if all seeds fit. */
  readonly others: Int32Array;
  /** Dismissed users among `others`. */
  readonly dismissed: Int32Array;
}

/** Numbers of a campaign's seeds. */
export interface SeedCounts {
  /** In the population. */
  readonly all: number;
  /** In the population, and within the filters. */
  readonly fitting: number;
  /** Not in the population; 0 if absent. */
  readonly rows?: number;
}

/** The seeds of a campaign, as in `CustomiseRequest`. */
interface CampaignSeeds {
  readonly seeds: Int32Array;
  readonly seedRows?: AddedRows;
  readonly outside?: Outside | null;
}

export function countSeeds(of: CampaignSeeds): SeedCounts {
  const all = ownSeeds(of).length;
  return { all, fitting: heldOutSeeds(of).length, rows: of.seeds.length - all };
}

/**
 * The seeds who may be held out and ranked among candidates: users of the population who fit the filters. Seeds from
 * outside the population are excluded, because the model might rank them well only by recognising their origin.
 */
export function heldOutSeeds({ outside, ...of }: CampaignSeeds): Int32Array {
  const own = ownSeeds(of);
  return outside ? without(own, outside.seeds) : own;
}

/** The seeds who are in the population. */
function ownSeeds({ seeds, seedRows }: CampaignSeeds): Int32Array {
  return seedRows ? seeds.filter((row) => row < seedRows.firstRow) : seeds;
}

/**
 * Splits `wanted` sampled negatives so that `outside` is the share of all negatives (sampled or in `always`) that does
 * not fit the filters. Fewer negatives are sampled if there are too few users inside or outside the filters, but at
 * least one is sampled if there are any users.
 */
export function matchNegatives(
  wanted: number,
  outside: number,
  available: Sides<number>,
  always: Sides<number> = { inside: 0, outside: 0 },
): Sides<number> {
  if (available.outside === 0) return { inside: Math.min(wanted, available.inside), outside: 0 };
  const total = wanted + always.inside + always.outside;
  const out = Math.min(Math.max(outside * total - always.outside, 0), wanted);
  const scale = Math.min(1, available.inside / (wanted - out), available.outside / out);
  const counts = { inside: Math.round(scale * (wanted - out)), outside: Math.round(scale * out) };
  return counts.inside + counts.outside > 0 ? counts : { inside: Math.min(1, available.inside), outside: 0 };
}

/** The seeds of a campaign, ascending, and their weights. Without weights, each seed has weight 1. */
export interface WeightedSeeds {
  readonly seeds: Int32Array;
  readonly seedWeights?: Float32Array | undefined;
}

/** The weights of `some` of the seeds (both lists ascending), scaled to mean 1; undefined without weights. */
export function pickWeights({ seeds, seedWeights }: WeightedSeeds, some: Int32Array): Float32Array | undefined {
  if (!seedWeights) return undefined;
  let at = 0;
  const picked = Float32Array.from(some, (row) => {
    while (seeds[at]! < row) at += 1;
    return seedWeights[at]!;
  });
  return withMeanOne(picked);
}

/** Scales weights to mean 1. */
export function withMeanOne(weights: Float32Array): Float32Array {
  const mean = weights.reduce((sum, weight) => sum + weight, 0) / weights.length;
  return weights.map((weight) => weight / mean);
}

/** The total weight of the seeds that are in the ascending `rows`. Without weights, their number. */
export function totalWeight(rows: Int32Array, { seeds, seedWeights }: WeightedSeeds): number {
  if (!seedWeights) return rows.length;
  const isWanted = new Set(rows);
  return seeds.reduce((sum, row, i) => (isWanted.has(row) ? sum + seedWeights[i]! : sum), 0);
}

/** Returns the elements of `rows` that are not in `left`. Both arrays are ascending, and so is the result. */
export function without(rows: Int32Array, left: Int32Array): Int32Array {
  if (left.length === 0) return rows;
  let at = 0;
  return rows.filter((row) => {
    while (at < left.length && left[at]! < row) at += 1;
    return left[at] !== row;
  });
}
