/** Measures how well the quality predicted from seeds alone agrees with the true quality. */
import type { Interval } from '../../../src/lib/interval.ts';
import type { Drift } from '../../../src/model/manifest.ts';
import {
  PREDICTED_SHARES,
  type Prediction,
  predict,
  type Verdict,
  WEAK_AUC,
} from '../../../src/online/quality/prediction.ts';
import type { SeedRanks } from '../../../src/online/quality/seed-ranks.ts';
import { aucAgainstAll } from '../../../src/training/evaluation/metrics.ts';
import { type GroupName, groupsOf } from '../../../src/training/evaluation/summary.ts';
import type { MeasuredCampaign, MeasuredPredictions } from './measure.ts';

/** The predicted interval of one metric, and the metric's true value. */
export interface PredictedTruth extends Interval {
  readonly true: number;
}

/** The predictions for one campaign. The metrics are null if the campaign has too few seeds. */
export interface CampaignPrediction {
  readonly id: string;
  readonly group: MeasuredCampaign['group'];
  readonly seeds: number;
  readonly verdict: Verdict;
  /** The AUC of members against all rows, including members. The predicted AUC is defined in the same way. */
  readonly auc: PredictedTruth | null;
  /** The recall by audience share. The lift is recall / share. */
  readonly recall: Readonly<Record<string, PredictedTruth | null>>;
  readonly isTrulyWeak: boolean;
}

/** How well one metric was predicted, summarised over campaigns. */
export interface Agreement {
  /** The share of campaigns for which the true value lies within the predicted 90 % interval. */
  readonly coverage: number;
  readonly mean_predicted: number;
  readonly mean_true: number;
  readonly mean_absolute_error: number;
  /** The correlation between predicted and true values over campaigns; null if either set of values does not vary. */
  readonly correlation: number | null;
  readonly mean_width: number;
}

export type VerdictCounts = Readonly<Record<Verdict, number>>;

export interface PredictionSummary {
  readonly campaigns: number;
  /** Number of campaigns with enough seeds. The metrics cover only these campaigns, and are null if there are none. */
  readonly predicted: number;
  readonly auc: Agreement | null;
  readonly recall: Readonly<Record<string, Agreement | null>>;
  readonly verdicts: VerdictCounts;
  /**
   * `truly` is the number of campaigns with a true AUC below `auc`; `called` is the number of these campaigns that got
   * the verdict `weak`.
   */
  readonly weak: { readonly auc: number; readonly truly: number; readonly called: number };
}

export interface PredictionReport {
  /** The test campaigns, in the order of the data set. */
  readonly campaigns: readonly CampaignPrediction[];
  /** A summary for each group that has campaigns. */
  readonly groups: Readonly<Partial<Record<GroupName, PredictionSummary>>>;
  /** Whether predictions take drift into account, and the number of past campaigns on which the drift was measured. */
  readonly drift: { readonly measured: boolean; readonly campaigns: number };
  /** The verdicts for sets of random users used in place of seeds. Such users resemble the whole population. */
  readonly random_seeds: { readonly sets: number; readonly verdicts: VerdictCounts };
}

/**
 * Makes predictions from the measurements, taking `drift` into account if it is defined, and compares the predictions
 * with the true values.
 */
export function reportPredictions(measured: MeasuredPredictions, drift: Drift | undefined): PredictionReport {
  const predicted = (of: { readonly seeds: number; readonly ranks: SeedRanks | null }): Prediction =>
    predict(of.ranks, { all: of.seeds, fitting: of.seeds }, { drift });
  const campaigns = measured.campaigns.map((one) => besideTruth(one, predicted(one)));
  return {
    campaigns,
    groups: summarisePredictions(campaigns),
    drift: { measured: drift !== undefined, campaigns: drift?.campaigns ?? 0 },
    random_seeds: { sets: measured.random.length, verdicts: countVerdicts(measured.random.map(predicted)) },
  };
}

function besideTruth(
  { id, group, seeds, quality, members }: MeasuredCampaign,
  prediction: Prediction,
): CampaignPrediction {
  const beside = (interval: Interval | null | undefined, truth: number) =>
    interval ? { ...interval, true: truth } : null;
  const recall = (share: number, i: number) =>
    [String(share), beside(prediction.recall[String(share)], quality.top[i]!.recall)] as const;
  return {
    id,
    group,
    seeds,
    verdict: prediction.verdict,
    isTrulyWeak: quality.auc < WEAK_AUC,
    auc: beside(prediction.auc, aucAgainstAll(quality, members)),
    recall: Object.fromEntries(PREDICTED_SHARES.map(recall)),
  };
}

/** Summarises the predictions for each group of campaigns. */
export function summarisePredictions(campaigns: readonly CampaignPrediction[]): PredictionReport['groups'] {
  return Object.fromEntries(groupsOf(campaigns).map(([name, members]) => [name, summariseGroup(members)]));
}

function summariseGroup(campaigns: readonly CampaignPrediction[]): PredictionSummary {
  const weak = campaigns.filter(({ isTrulyWeak }) => isTrulyWeak);
  return {
    campaigns: campaigns.length,
    predicted: campaigns.filter(({ auc }) => auc !== null).length,
    auc: agreementOf(campaigns.map(({ auc }) => auc)),
    recall: Object.fromEntries(
      Object.keys(campaigns[0]!.recall).map((share) => [
        share,
        agreementOf(campaigns.map(({ recall }) => recall[share]!)),
      ]),
    ),
    verdicts: countVerdicts(campaigns),
    weak: { auc: WEAK_AUC, truly: weak.length, called: countVerdicts(weak).weak },
  };
}

function countVerdicts(all: readonly { readonly verdict: Verdict }[]): VerdictCounts {
  const of = (wanted: Verdict) => all.filter(({ verdict }) => verdict === wanted).length;
  return { good: of('good'), weak: of('weak'), unsure: of('unsure') };
}

/**
 * Comparisons need a tolerance, because an interval bound and a true value may be equal fractions that were rounded
 * differently.
 */
const ROUNDING = 1e-9;

export function holdsTruth({ low, high, true: truth }: PredictedTruth): boolean {
  return truth >= low - ROUNDING && truth <= high + ROUNDING;
}

function agreementOf(measured: readonly (PredictedTruth | null)[]): Agreement | null {
  const known = measured.filter((one) => one !== null);
  if (known.length === 0) return null;
  const meanOf = (of: (one: PredictedTruth) => number) => known.reduce((sum, one) => sum + of(one), 0) / known.length;
  const [predicted, truth] = [meanOf(({ mean }) => mean), meanOf((one) => one.true)];
  const spread = Math.sqrt(meanOf(({ mean }) => (mean - predicted) ** 2) * meanOf((one) => (one.true - truth) ** 2));
  return {
    coverage: meanOf((one) => (holdsTruth(one) ? 1 : 0)),
    mean_predicted: predicted,
    mean_true: truth,
    mean_absolute_error: meanOf((one) => Math.abs(one.mean - one.true)),
    correlation: spread > ROUNDING ? meanOf((one) => (one.mean - predicted) * (one.true - truth)) / spread : null,
    mean_width: meanOf(({ low, high }) => high - low),
  };
}
