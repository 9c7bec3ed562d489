/**
 * Estimates drift: compares predictions for past campaigns, made from the earliest members, with the true values for
 * the later members. The result is the share of the separation from chance that remains, the spread of this share, and
 * the width that an interval needs to contain the true value.
 */

import { logitOf } from '../../../packages/onnx-grad/index.ts';
import type { Interval } from '../../lib/interval.ts';
import type { Drift, DriftMeasure } from '../../model/manifest.ts';
import { separationOf, spreadsOf, widened } from '../../online/quality/drift.ts';
import { Z } from '../../online/quality/predictive-interval.ts';

/** A predicted number and its true value. */
export interface Forecast {
  /** The value for a random order. */
  readonly chance: number;
  /** The prediction without drift. */
  readonly said: Interval;
  readonly true: number;
}

/** The predictions and true values for one seed set of a campaign. */
export interface DriftPair {
  readonly seeds: number;
  /** Forecasts of recall, at the same audience sizes in all pairs. */
  readonly recall: readonly Forecast[];
  readonly auc: Forecast;
}

/** Pairs with about the same number of seeds, one pair per campaign. */
export type DriftBin = readonly DriftPair[];

/**
 * The weight of the average over all bins, as a number of campaigns, when a bin is shrunk towards this average. The
 * weight of the bin is its own number of campaigns.
 */
const SHRINK_TO_ALL = 4;
/** The weight of "no drift", as a number of campaigns, when the average over all bins is shrunk towards no drift. */
const SHRINK_TO_NONE = 2;
/** The spread between campaigns that is assumed if nothing is known. */
const USUAL_SPREAD = 0.15;
/** The weight of the normal distribution's quantile, as a number of campaigns. */
const SHRINK_TO_NORMAL = 10;
/** The share of campaigns in which the interval must contain the true value. */
const LEVEL = 0.9;
/** Bounds on the remaining share of the separation, whatever a few campaigns suggest. */
const KEPT = { least: 0.2, most: 1.2 } as const;
const QUANTILE = { least: Z, most: 4 } as const;
/** If the seeds' separation from chance is smaller than this, the remaining share cannot be measured. */
const LEAST_SEPARATION = 0.2;
/** If fewer seeds than this are inside or outside an audience, the logit of its recall is mostly noise. */
const LEAST_COUNT = 2;
/** Minimum spread, because a spread that rounds to zero would make any miss infinite. */
const LEAST_SPREAD = 0.05;

/** Fits the bins, which are in ascending order of their numbers of seeds. Empty bins are left out. */
export function fitDrift(bins: readonly DriftBin[]): Drift['by_seeds'] {
  const full = bins.filter((bin) => bin.length > 0);
  const recall = fitMeasures(full.map((bin) => informative(bin)));
  const auc = fitMeasures(full.map((bin) => bin.map(({ auc, seeds }) => ({ cells: [auc], seeds }))));
  return full.map((bin, i) => ({
    seeds: Math.round(Math.exp(meanOf(bin.map(({ seeds }) => Math.log(seeds))))),
    campaigns: bin.length,
    recall: recall[i]!,
    auc: auc[i]!,
  }));
}

/** The forecasts of a pair. */
interface Row {
  readonly cells: readonly Forecast[];
  readonly seeds: number;
}

/** The forecasts of recall for audiences that contain some of the seeds and miss others. */
function informative(bin: DriftBin): Row[] {
  const seeds = meanOf(bin.map((pair) => pair.seeds));
  const isUsed = bin[0]!.recall.map((_, share) => {
    const found = seeds * meanOf(bin.map(({ recall }) => recall[share]!.said.mean));
    return found >= LEAST_COUNT && seeds - found >= LEAST_COUNT;
  });
  return bin.map((pair) => ({ cells: pair.recall.filter((_, share) => isUsed[share]), seeds: pair.seeds }));
}

function fitMeasures(bins: readonly (readonly Row[])[]): DriftMeasure[] {
  const parts = fitParts(bins);
  return bins.map((bin, b) => {
    // each campaign is judged by a fit to the other campaigns (the jackknife of CV+)
    const misses = bin.map((row, i) => {
      const without = bins.map((rows, other) => (other === b ? rows.filter((_, place) => place !== i) : rows));
      return missesOf(row, fitParts(without)[b]!);
    });
    const shares = bin[0]?.cells.map((_, share) => conformal(misses.map((own) => own[share]!))) ?? [];
    const found = shares.length > 0 ? meanOf(shares) : Z;
    const quantile = (bin.length * found + SHRINK_TO_NORMAL * Z) / (bin.length + SHRINK_TO_NORMAL);
    return { ...parts[b]!, quantile: between(quantile, QUANTILE) };
  });
}

type Parts = Pick<DriftMeasure, 'kept' | 'spread'>;

/**
 * The remaining share and its spread, by bin. Each bin is shrunk towards the average over all bins, and this average is
 * shrunk towards no drift.
 */
function fitParts(bins: readonly (readonly Row[])[]): Parts[] {
  const sizes = bins.map((bin) => bin.length);
  const kept = shrink(bins.map(keptOf), sizes, 1).map((value) => between(value, KEPT));
  const variances = shrink(
    bins.map((bin, b) => varianceOf(bin, kept[b]!)),
    sizes,
    USUAL_SPREAD ** 2,
  );
  return kept.map((value, b) => ({ kept: value, spread: Math.sqrt(variances[b]!) }));
}

/**
 * Shrinks the values of bins towards their average, which is itself shrunk towards `none`. A null value means that its
 * bin has no information.
 */
function shrink(values: readonly (number | null)[], sizes: readonly number[], none: number): number[] {
  const weights = sizes.map((size, b) => (values[b] === null ? 0 : size));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const sum = weights.reduce((all, weight, b) => all + weight * (values[b] ?? 0), 0);
  const all = (sum + SHRINK_TO_NONE * none) / (total + SHRINK_TO_NONE);
  return weights.map((weight, b) => (weight * (values[b] ?? 0) + SHRINK_TO_ALL * all) / (weight + SHRINK_TO_ALL));
}

/**
 * The share of the separation that remains: the ratio of the mean separations over campaigns. A mean of ratios, or a
 * regression, would mistake noise from the seeds for drift. Audience sizes are weighted by the variance of a hit.
 */
function keptOf(rows: readonly Row[]): number | null {
  let [kept, said, weights] = [0, 0, 0];
  for (const share of rows[0]?.cells.keys() ?? []) {
    const cells = rows.map((row) => row.cells[share]!);
    const chance = logit(meanOf(cells.map((cell) => cell.chance)));
    const mean = meanOf(cells.map((cell) => cell.said.mean));
    const weight = mean * (1 - mean);
    kept += weight * (logit(meanOf(cells.map((cell) => cell.true))) - chance);
    said += weight * (logit(mean) - chance);
    weights += weight;
  }
  return weights > 0 && said > LEAST_SEPARATION * weights ? kept / said : null;
}

/**
 * The variance of the remaining share in a new campaign: the part that noise from seeds and other users does not
 * explain, plus the variance of the mean itself.
 */
function varianceOf(rows: readonly Row[], kept: number): number | null {
  let [excess, all, scale] = [0, 0, 0];
  for (const { cells, seeds } of rows)
    for (const cell of cells) {
      const weight = cell.said.mean * (1 - cell.said.mean);
      const separation = kept * separationOf(cell.said.mean, cell.chance, seeds);
      const [miss, own] = missOf(cell, seeds, kept);
      excess += weight * (miss ** 2 - (kept * own) ** 2);
      all += weight * miss ** 2;
      scale += weight * separation ** 2;
    }
  return scale > 0 ? Math.max(0, excess / scale) + all / scale / rows.length : null;
}

/** The prediction's error, and the standard deviation of the prediction's own noise in the direction of the error. */
function missOf({ said, chance, true: truth }: Forecast, seeds: number, kept: number): [miss: number, own: number] {
  const miss = separationOf(truth, chance, seeds) - kept * separationOf(said.mean, chance, seeds);
  const [below, above] = spreadsOf(said, seeds);
  return [miss, Math.max(miss < 0 ? below : above, LEAST_SPREAD)];
}

/** The predictions' errors, measured in standard deviations, by audience size. */
function missesOf({ cells, seeds }: Row, parts: Parts): number[] {
  return cells.map((cell) => {
    const [miss, own] = missOf(cell, seeds, parts.kept);
    return Math.abs(miss) / widened(own, separationOf(cell.said.mean, cell.chance, seeds), parts);
  });
}

/**
 * The bound that a new value exceeds with a probability of at most 1 - LEVEL; the largest value if there are too few
 * values.
 */
function conformal(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(Math.ceil((sorted.length + 1) * LEVEL), sorted.length) - 1]!;
}

function between(value: number, { least, most }: { readonly least: number; readonly most: number }): number {
  return Math.min(Math.max(value, least), most);
}

const logit = (share: number): number => logitOf(between(share, { least: 1e-6, most: 1 - 1e-6 }));

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
