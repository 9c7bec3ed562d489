/**
 * Predicts the quality of an audience from its seeds alone: recall and lift by size with their intervals, and a
 * verdict.
 */

import type { Interval } from '../../lib/interval.ts';
import { counted } from '../../lib/text/counted.ts';
import type { Drift } from '../../model/manifest.ts';
import type { SeedCounts } from '../negatives.ts';
import { driftAt, driftInterval } from './drift.ts';
import { meanInterval, shareInterval } from './predictive-interval.ts';
import { effectiveSeeds, hitsAt, type SeedRanks, topCount, winsOf } from './seed-ranks.ts';

/** Audience sizes for which predictions are made, as shares of the candidates. */
export const PREDICTED_SHARES = [
  0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.04, 0.05, 0.06, 0.08, 0.1, 0.125, 0.15, 0.2, 0.25, 0.3,
  0.4, 0.5, 0.6, 0.7, 0.8, 0.9,
] as const;

export type Verdict = 'good' | 'weak' | 'unsure';

/** Intervals are 90 % predictive intervals. */
export interface Prediction {
  readonly verdict: Verdict;
  /** A sentence that states the verdict and the numbers behind the verdict. */
  readonly reason: string;
  /** Number of seeds in the population that fit the filters; only these can be ranked among candidates. */
  readonly fitting_seeds: number;
  /** Probability that a member scores above a candidate; null if there were too few seeds to hold some out. */
  readonly auc: Interval | null;
  /**
   * Recall by audience size as a share of the candidates: the share of the members (other than the seeds) that the
   * audience contains.
   */
  readonly recall: Readonly<Record<string, Interval>>;
  /**
   * Lift by audience size as a share of the candidates: members in the audience, as a multiple of the members in a
   * random audience.
   */
  readonly lift: Readonly<Record<string, Interval>>;
  readonly drift: PredictedDrift;
}

/** The assumptions of a prediction about later members. */
export interface PredictedDrift {
  /** Whether drift was measured on past campaigns; if not, later members are assumed to resemble the seeds. */
  readonly measured: boolean;
  /** Number of past campaigns on which drift was measured. */
  readonly campaigns: number;
  /** The AUC of held-out seeds before the correction for drift; null if there was no correction. */
  readonly auc_before: Interval | null;
}

/**
 * An AUC below this is weak. With normally distributed scores this AUC means a lift of 2 at 5 % and of 1.6 at 20 % (1
 * is random).
 */
export const WEAK_AUC = 0.6;
/**
 * The verdict is `good` only if the interval of the AUC is above this bound. With random users as seeds, the interval
 * was above this bound for 1 of 46 sets of 10 users, and for none of 92 sets of 50 or 200 users.
 */
const GOOD_LOW = 0.55;
/**
 * A second condition for the verdict `good`: the probability that the same number of random seeds would reach the AUC
 * (without drift) is at most 1 in 1,000. A few random users may be similar by chance. This constant is the normal
 * quantile of .999, in standard deviations of a mean of uniform variables.
 */
const CHANCE_DEVIATIONS = 3.09;
/**
 * The verdict is `weak` only if the interval of the AUC is below this bound. Otherwise random seeds cannot be
 * distinguished from a campaign whose AUC is .7.
 */
const MAYBE_GOOD = 0.7;

export interface PredictOptions {
  /** Number of candidates who are members; by default the number of fitting seeds. */
  readonly others?: number;
  /** The drift to correct for; by default there is no correction. */
  readonly drift?: Drift | undefined;
}

/**
 * Makes a prediction from the ranks of held-out seeds, all of whom fit the filters. If seeds have weights, the recall
 * is that of value: members count as much as the seeds who resemble them.
 */
export function predict(
  ranks: SeedRanks | null,
  seeds: SeedCounts,
  { others = seeds.fitting, drift }: PredictOptions = {},
): Prediction {
  const known = { measured: drift !== undefined, campaigns: drift?.campaigns ?? 0 };
  if (ranks === null || ranks.above.length === 0) {
    return {
      verdict: 'unsure',
      reason:
        seeds.fitting === 0 && seeds.all > 0
          ? `none of the ${seeds.all} seeds fits the filters, so no seed can be held out to see how it ranks`
          : tooFew(seeds, 'hold some out and see how they rank'),
      fitting_seeds: seeds.fitting,
      auc: null,
      recall: {},
      lift: {},
      drift: { ...known, auc_before: null },
    };
  }
  const held = effectiveSeeds(ranks);
  const likeOthers = ranks.weights ? (others * held) / ranks.above.length : others;
  const before = meanInterval(winsOf(ranks), likeOthers, ranks.weights);
  const at = drift && driftAt(drift, held);
  const auc = at ? driftInterval(before, 0.5, held, at.auc) : before;
  const recall: Record<string, Interval> = {};
  const lift: Record<string, Interval> = {};
  let smaller: Interval = { mean: 0, low: 0, high: 0 };
  for (const share of PREDICTED_SHARES) {
    const count = topCount(ranks.rows, share);
    const own = shareInterval(hitsAt(ranks, count), held, likeOthers);
    // a larger audience contains the smaller one, so its recall cannot be lower
    const found = at ? noLess(driftInterval(own, count / ranks.rows, held, at.recall), smaller) : own;
    smaller = found;
    // the size of an audience is rounded up, so with few rows a random audience contains more than `share` of the
    // members
    const times = ranks.rows / count;
    recall[String(share)] = found;
    lift[String(share)] = { mean: found.mean * times, low: found.low * times, high: found.high * times };
  }
  const byChance = before.mean < 0.5 + CHANCE_DEVIATIONS / Math.sqrt(12 * held);
  return {
    ...judge(auc, { seeds, byChance, campaigns: known.campaigns }),
    fitting_seeds: seeds.fitting,
    auc,
    recall,
    lift,
    drift: { ...known, auc_before: at ? before : null },
  };
}

function noLess(a: Interval, b: Interval): Interval {
  return { mean: Math.max(a.mean, b.mean), low: Math.max(a.low, b.low), high: Math.max(a.high, b.high) };
}

function judge(
  { mean, low, high }: Interval,
  {
    seeds,
    byChance,
    campaigns,
  }: { readonly seeds: SeedCounts; readonly byChance: boolean; readonly campaigns: number },
): Pick<Prediction, 'verdict' | 'reason'> {
  const drift = campaigns > 0 ? `, with the drift of ${campaigns} past campaigns` : '';
  const measured = `AUC ${mean.toFixed(2)}, between ${low.toFixed(2)} and ${high.toFixed(2)}${drift}`;
  const { all, fitting, rows = 0 } = seeds;
  const that = [...(rows > 0 ? ['are in the population'] : []), ...(fitting < all ? ['fit the filters'] : [])];
  const ranked = that.length === 0 ? '' : `, from the ${fitting} of ${all + rows} seeds that ${that.join(' and ')}`;
  if (mean >= WEAK_AUC && low >= GOOD_LOW && !byChance)
    return { verdict: 'good', reason: `held-out seeds rank above most candidates: ${measured}${ranked}` };
  if (mean < WEAK_AUC && high < MAYBE_GOOD)
    return { verdict: 'weak', reason: `the seeds look like everyone else: ${measured}${ranked}` };
  return { verdict: 'unsure', reason: `${tooFew(seeds, 'tell')}: ${measured}` };
}

function tooFew({ all, fitting, rows = 0 }: SeedCounts, to: string): string {
  if (rows > 0 && fitting === all)
    return `only ${all} of ${counted(all + rows, 'seed')} ${all === 1 ? 'is' : 'are'} in the population, too few to ${to}`;
  if (fitting === all) return `${counted(all, 'seed')} ${all === 1 ? 'is' : 'are'} too few to ${to}`;
  return `only ${fitting} of ${counted(all, 'seed')} ${fitting === 1 ? 'fits' : 'fit'} the filters, too few to ${to}`;
}
