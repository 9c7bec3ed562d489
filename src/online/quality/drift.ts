/**
 * Drift: later members resemble the seeds less than the seeds resemble each other. The difference is measured on past
 * campaigns with times (`Manifest['drift']`). Drift shifts and widens predictions.
 */

import type { Interval } from '../../lib/interval.ts';
import type { Drift, DriftMeasure } from '../../model/manifest.ts';
import { Z } from './predictive-interval.ts';

/** Drift measured at one number of seeds. */
export interface DriftAt {
  readonly recall: DriftMeasure;
  readonly auc: DriftMeasure;
}

/**
 * The drift for `seeds` seeds. Between two measured numbers of seeds, the drift is interpolated linearly in the
 * logarithm of the number; outside the measured range, it is the drift at the nearest measured number.
 */
export function driftAt({ by_seeds }: Drift, seeds: number): DriftAt {
  const above = by_seeds.findIndex((one) => one.seeds >= seeds);
  const upper = above === -1 ? by_seeds.at(-1)! : by_seeds[above]!;
  const lower = above === -1 ? upper : by_seeds[Math.max(above - 1, 0)]!;
  const gap = Math.log(upper.seeds / lower.seeds);
  const part = gap > 0 ? Math.max(0, Math.log(seeds / lower.seeds) / gap) : 0;
  const between = (of: 'recall' | 'auc'): DriftMeasure => {
    const mix = (a: number, b: number) => a + part * (b - a);
    const [a, b] = [lower[of], upper[of]];
    return { kept: mix(a.kept, b.kept), spread: mix(a.spread, b.spread), quantile: mix(a.quantile, b.quantile) };
  };
  return { recall: between('recall'), auc: between('auc') };
}

/**
 * The separation of a share of members from the share expected by chance. It is the difference between their logits, in
 * which each share is replaced by (count * share + 1/2) / (count + 1), so that logits are finite (`count` is the number
 * of seeds). 0 is chance.
 */
export function separationOf(share: number, chance: number, count: number): number {
  return logit(share, count) - logit(chance, count);
}

/**
 * The standard deviations of the separation below and above its mean, from a 90 % interval. A bound of 0 or 1 says
 * nothing about the deviation on its side once drift shifts the mean away from the bound. On such a side, the larger of
 * the two deviations is used.
 */
export function spreadsOf({ mean, low, high }: Interval, count: number): readonly [below: number, above: number] {
  const at = logit(mean, count);
  const [below, above] = [(at - logit(low, count)) / Z, (logit(high, count) - at) / Z];
  return [low > 0 ? below : Math.max(below, above), high < 1 ? above : Math.max(below, above)];
}

/**
 * The standard deviation of a separation after drift; `own` is the standard deviation before drift. Drift increases the
 * standard deviation, because the share of the separation that remains differs between campaigns.
 */
export function widened(
  own: number,
  separation: number,
  { kept, spread }: Pick<DriftMeasure, 'kept' | 'spread'>,
): number {
  return Math.hypot(kept * own, spread * kept * separation);
}

/**
 * The interval for later members (as many as there are seeds), computed from the `interval` of `count` seeds. `chance`
 * is the expected value for a random order. A bound of 0 or 1 may stay as it is.
 */
export function driftInterval(interval: Interval, chance: number, count: number, measure: DriftMeasure): Interval {
  const separation = separationOf(interval.mean, chance, count);
  const [below, above] = spreadsOf(interval, count);
  const middle = logit(chance, count) + measure.kept * separation;
  const at = (own: number, side: -1 | 1) =>
    shareAt(middle + side * measure.quantile * widened(own, separation, measure), count);
  const mean = shareAt(middle, count);
  return { mean, low: Math.min(mean, at(below, -1)), high: Math.max(mean, at(above, 1)) };
}

function logit(share: number, count: number): number {
  return Math.log((count * share + 0.5) / (count * (1 - share) + 0.5));
}

/** Returns the share whose logit is `x`. */
function shareAt(value: number, count: number): number {
  const share = ((count + 1) / (1 + Math.exp(-value)) - 0.5) / count;
  return Math.min(Math.max(share, 0), 1);
}
