/**
 * Summarises per-campaign qualities by group: means over campaigns with bootstrap intervals, for one method and for the
 * difference between two methods.
 */
import { assert } from '../../lib/errors.ts';
import type { Interval } from '../../lib/interval.ts';
import type { Rng } from '../../lib/rng.ts';
import type { EvaluationGroup } from '../../model/manifest.ts';
import { SHARES, type Trial } from '../choices/trial.ts';
import type { RankingQuality } from './metrics.ts';

const RESAMPLES = 2000;
const CONFIDENCE = 0.95;

/**
 * The mean of `values` (one per campaign) with its 95 % percentile bootstrap interval (Efron & Tibshirani 1993, section
 * 13.3): the .025 and .975 quantiles (linear between neighbours) of the means of 2,000 resamples. With one value the
 * interval has no width. `values` must not be empty.
 */
export function bootstrapMean(values: readonly number[] | Float64Array, rng: Rng, resamples = RESAMPLES): Interval {
  const count = values.length;
  assert(count > 0, 'there are no values to average');
  const data = Float64Array.from(values);
  const means = new Float64Array(resamples);
  for (let i = 0; i < resamples; i++) {
    let sum = 0;
    for (let j = 0; j < count; j++) sum += data[rng.integer(count)]!;
    means[i] = sum / count;
  }
  means.sort();
  const tail = (1 - CONFIDENCE) / 2;
  const mean = data.reduce((sum, x) => sum + x, 0) / count;
  // Widens the interval if necessary so that it contains the mean. The mean of a resample that equals the data may
  // differ from the mean of the data in the last bit.
  return { mean, low: Math.min(mean, quantile(means, tail)), high: Math.max(mean, quantile(means, 1 - tail)) };
}

/** Quantile `q` of ascending `sorted`, linear between neighbours. */
function quantile(sorted: Float64Array, q: number): number {
  const position = q * (sorted.length - 1);
  const below = Math.floor(position);
  const low = sorted[below]!;
  return low + (position - below) * (sorted[Math.min(below + 1, sorted.length - 1)]! - low);
}

export type GroupName = 'small' | 'large' | 'all';
/** A group without campaigns is omitted. */
export type Summary = Readonly<Partial<Record<GroupName, EvaluationGroup>>>;

/** Mean quality of one campaign over its repeats. */
export interface TrialQuality {
  readonly trial: Trial;
  readonly repeats: readonly RankingQuality[];
}

/** The mean difference between two methods over the campaigns of a group, campaign by campaign. */
export interface GroupDifference {
  readonly auc: Interval;
  /** By share. */
  readonly precision: Readonly<Record<string, Interval>>;
}

/** A group without campaigns is omitted. */
export type Difference = Readonly<Partial<Record<GroupName, GroupDifference>>>;

export function summarise(qualities: readonly TrialQuality[], rng: Rng): Summary {
  return byGroup(qualities.map(campaignMean), rng, summariseGroup);
}

/**
 * `ours` minus `theirs`, both for the same trials in the same order. Each campaign counts as the mean of its repeats.
 */
export function subtract(ours: readonly TrialQuality[], theirs: readonly TrialQuality[], rng: Rng): Difference {
  assert(
    ours.length === theirs.length && ours.every(({ trial }, i) => trial === theirs[i]!.trial),
    'the trials of two methods differ',
  );
  const pairs = ours.map((one, i) => {
    const [our, their] = [campaignMean(one), campaignMean(theirs[i]!)];
    return { ...our, auc: our.auc - their.auc, precision: our.precision.map((x, j) => x - their.precision[j]!) };
  });
  return byGroup(pairs, rng, (members, draws) => ({
    auc: intervalOf(members, 'auc', draws, ({ auc }) => auc),
    precision: byShare(members, 'precision', draws),
  }));
}

/** The means of a campaign over its repeats. Lists are in the order of the summarised shares. */
interface CampaignMean {
  readonly group: Trial['group'];
  readonly auc: number;
  readonly precision: readonly number[];
  readonly recall: readonly number[];
  readonly lift: readonly number[];
}

function campaignMean({ trial, repeats }: TrialQuality): CampaignMean {
  const mean = (of: (quality: RankingQuality) => number) =>
    repeats.reduce((sum, quality) => sum + of(quality), 0) / repeats.length;
  const places = SHARES.map((share) => repeats[0]!.top.findIndex((top) => top.share === share));
  const means = (what: 'precision' | 'recall' | 'lift') => places.map((i) => mean(({ top }) => top[i]![what]));
  return {
    group: trial.group,
    auc: mean(({ auc }) => auc),
    precision: means('precision'),
    recall: means('recall'),
    lift: means('lift'),
  };
}

function byGroup<T>(
  campaigns: readonly CampaignMean[],
  rng: Rng,
  of: (members: readonly CampaignMean[], rng: Rng) => T,
): Partial<Record<GroupName, T>> {
  return Object.fromEntries(groupsOf(campaigns).map(([name, members]) => [name, of(members, rng.fork(name))]));
}

/** The campaigns of each group; a group without campaigns is omitted. */
export function groupsOf<T extends { readonly group: Trial['group'] }>(campaigns: readonly T[]): [GroupName, T[]][] {
  const groups: [GroupName, T[]][] = [
    ['small', campaigns.filter(({ group }) => group === 'small')],
    ['large', campaigns.filter(({ group }) => group === 'large')],
    ['all', [...campaigns]],
  ];
  return groups.filter(([, members]) => members.length > 0);
}

function summariseGroup(members: readonly CampaignMean[], rng: Rng): EvaluationGroup {
  return {
    campaigns: members.length,
    auc: intervalOf(members, 'auc', rng, ({ auc }) => auc),
    precision: byShare(members, 'precision', rng),
    recall: byShare(members, 'recall', rng),
    lift: byShare(members, 'lift', rng),
  };
}

function intervalOf(
  members: readonly CampaignMean[],
  what: string,
  rng: Rng,
  of: (campaign: CampaignMean) => number,
): Interval {
  return bootstrapMean(members.map(of), rng.fork(what));
}

function byShare(
  members: readonly CampaignMean[],
  what: 'precision' | 'recall' | 'lift',
  rng: Rng,
): Record<string, Interval> {
  return Object.fromEntries(
    SHARES.map((share, i) => [
      String(share),
      intervalOf(members, `${what}/${share}`, rng, (campaign) => campaign[what][i]!),
    ]),
  );
}
