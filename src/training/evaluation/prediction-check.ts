/**
 * How well the quality predicted from seeds alone agrees with the truth of the eval rows, and what is predicted for
 * random seeds.
 */

import type { Device } from '../../../packages/onnx-grad/index.ts';
import { createRng, sampleWithoutReplacement } from '../../lib/rng.ts';
import type { GeneralModel } from '../../model/load.ts';
import { bind } from '../../online/binding.ts';
import { customise, type OnlineContext, openOnlineProgram } from '../../online/customise.ts';
import { type Prediction, type Verdict, WEAK_AUC } from '../../online/quality/prediction.ts';
import type { PredictiveInterval } from '../../online/quality/predictive-interval.ts';
import { openBoundRegression } from '../../online/regression/bound-regression.ts';
import { openScorer } from '../../online/scoring/score.ts';
import { othersThan, runPredictedTrial, type Trial } from '../choices/trial.ts';
import type { PreparedDataSet } from '../history/prepared-data-set.ts';
import type { RankingQuality } from './metrics.ts';
import type { GroupName } from './summary.ts';

/** Sizes at which predictions are checked. */
const CHECKED_SHARES = [0.05, 0.2] as const;
/** Number of sets of random users tried as seeds, each as large as a test campaign's. */
const RANDOM_SETS = 20;

/** One metric over campaigns. */
export interface Agreement {
  /** Share of the campaigns whose truth is within the 90 % interval. */
  readonly coverage: number;
  readonly mean_predicted: number;
  readonly mean_true: number;
  readonly mean_absolute_error: number;
  /** Between predicted and true, over campaigns; null if either does not vary. */
  readonly correlation: number | null;
  readonly mean_width: number;
}

type VerdictCounts = Readonly<Record<Verdict, number>>;

export interface PredictionSummary {
  readonly campaigns: number;
  /** Campaigns with enough seeds; the metrics cover these. */
  readonly predicted: number;
  /** Against all rows, including members, like the predicted one; null, like the others, if nothing was predicted. */
  readonly auc: Agreement | null;
  readonly recall: Readonly<Record<string, Agreement | null>>;
  readonly lift: Readonly<Record<string, Agreement | null>>;
  readonly verdicts: VerdictCounts;
  /** Campaigns whose true AUC is below `auc`, those whose verdict is "weak", and those that are both. */
  readonly weak: { readonly auc: number; readonly truly: number; readonly called: number; readonly both: number };
}

/** The prediction of one metric, and the truth. */
export interface PredictedTruth extends PredictiveInterval {
  readonly true: number;
}

/** One campaign's prediction; the metrics are null if there were too few seeds. */
export interface CampaignPrediction {
  readonly id: string;
  readonly verdict: Verdict;
  readonly auc: PredictedTruth | null;
  readonly recall: Readonly<Record<string, PredictedTruth | null>>;
  readonly lift: Readonly<Record<string, PredictedTruth | null>>;
}

export interface PredictionReport {
  /** In the order of the data set. */
  readonly campaigns: readonly CampaignPrediction[];
  /** A group without campaigns is left out. */
  readonly groups: Readonly<Partial<Record<GroupName, PredictionSummary>>>;
  /** Whether later members were taken to be less like the seeds, and on how many past campaigns that was measured. */
  readonly drift: { readonly measured: boolean; readonly campaigns: number };
  /** Verdicts on random users, who look like everyone. */
  readonly random_seeds: { readonly sets: number; readonly verdicts: VerdictCounts };
}

/** A campaign's prediction and its truth. */
export interface Predicted {
  readonly id: string;
  readonly group: Trial['group'];
  readonly prediction: Prediction;
  readonly quality: RankingQuality;
  /** Share of members among the eval rows. */
  readonly members: number;
}

/**
 * Predicts each trial's quality from its seeds, for an audience cut from its evaluation rows, and measures it on them,
 * for the audience of the first repeat.
 */
export async function checkPredictions(
  prepared: PreparedDataSet,
  model: GeneralModel,
  trials: readonly Trial[],
  options: { seed: number; device: Device; onPrediction?: (done: number, total: number) => void },
): Promise<PredictionReport> {
  const { population } = prepared;
  const { seed, device, onPrediction } = options;
  const binding = bind(model.folder, population);
  const program = await openOnlineProgram(model, { device });
  const scorer = await openScorer({ ...model, binding }, { device });
  const regression = await openBoundRegression({ model, population, binding }, { device });
  const context: OnlineContext = { model, population, binding, program, regression };
  const tried = trials.slice(0, RANDOM_SETS);
  let done = 0;
  const step = () => onPrediction?.(++done, trials.length + tried.length);
  try {
    const checked: Predicted[] = [];
    for (const trial of trials) {
      const key = `evaluate/${seed}/0/${trial.id}`;
      const { labels } = trial.evaluation;
      const members = labels.reduce((sum, label) => sum + label, 0) / labels.length;
      const both = await runPredictedTrial(context, scorer, trial, key, CHECKED_SHARES);
      checked.push({ id: trial.id, group: trial.group, members, ...both });
      step();
    }
    const lots: Prediction[] = [];
    for (const trial of tried) {
      const prediction = await predictLots(context, trial, `evaluate/${seed}/lots/${trial.id}`);
      if (prediction) lots.push(prediction);
      step();
    }
    return {
      campaigns: checked.map(campaignPrediction),
      groups: summarisePredictions(checked),
      drift: { measured: model.manifest.drift !== undefined, campaigns: model.manifest.drift?.campaigns ?? 0 },
      random_seeds: { sets: lots.length, verdicts: countVerdicts(lots) },
    };
  } finally {
    await program.steps.close();
    await scorer.close();
    await regression?.close();
  }
}

/** The prediction with as many random users as seeds; null if they leave nobody to rank. */
async function predictLots(context: OnlineContext, trial: Trial, key: string): Promise<Prediction | null> {
  const { population } = context;
  const seeds = sampleWithoutReplacement(createRng(key), population.rowCount, trial.seeds.length).sort();
  const isSeed = new Set(seeds);
  const ranked = trial.evaluation.users.map((user) => population.rowOf[user]!).filter((row) => !isSeed.has(row));
  const candidates = othersThan(population, seeds);
  if (ranked.length === 0 || candidates.length === 0) return null;
  const { prediction } = await customise(context, { key, features: trial.features, seeds, candidates, ranked });
  return prediction;
}

/** Sums up by group. */
export function summarisePredictions(checked: readonly Predicted[]): PredictionReport['groups'] {
  const groups: Record<GroupName, readonly Predicted[]> = {
    small: checked.filter(({ group }) => group === 'small'),
    large: checked.filter(({ group }) => group === 'large'),
    all: checked,
  };
  return Object.fromEntries(
    Object.entries(groups)
      .filter(([, members]) => members.length > 0)
      .map(([name, members]) => [name, summariseGroup(members)]),
  );
}

/** The prediction and the truth, as reported. */
function campaignPrediction({ id, prediction, quality, members }: Predicted): CampaignPrediction {
  const beside = (interval: PredictiveInterval | null, truth: number) =>
    interval ? { ...interval, true: truth } : null;
  const byShare = (what: 'recall' | 'lift') =>
    Object.fromEntries(
      CHECKED_SHARES.map((share) => [
        String(share),
        beside(prediction[what][String(share)] ?? null, quality.top.find((top) => top.share === share)![what]),
      ]),
    );
  return {
    id,
    verdict: prediction.verdict,
    // against all rows, including members, like the predicted one
    auc: beside(prediction.auc, members / 2 + (1 - members) * quality.auc),
    recall: byShare('recall'),
    lift: byShare('lift'),
  };
}

function summariseGroup(checked: readonly Predicted[]): PredictionSummary {
  const campaigns = checked.map(campaignPrediction);
  const byShare = (what: 'recall' | 'lift') =>
    Object.fromEntries(
      CHECKED_SHARES.map((share) => [String(share), agreementOf(campaigns.map((one) => one[what][String(share)]!))]),
    );
  const isWeak = ({ quality }: Predicted) => quality.auc < WEAK_AUC;
  const isCalledWeak = ({ prediction }: Predicted) => prediction.verdict === 'weak';
  return {
    campaigns: checked.length,
    predicted: checked.filter(({ prediction }) => prediction.auc !== null).length,
    auc: agreementOf(campaigns.map(({ auc }) => auc)),
    recall: byShare('recall'),
    lift: byShare('lift'),
    verdicts: countVerdicts(checked.map(({ prediction }) => prediction)),
    weak: {
      auc: WEAK_AUC,
      truly: checked.filter(isWeak).length,
      called: checked.filter(isCalledWeak).length,
      both: checked.filter((one) => isWeak(one) && isCalledWeak(one)).length,
    },
  };
}

function countVerdicts(predictions: readonly Prediction[]): VerdictCounts {
  const of = (verdict: Verdict) => predictions.filter((prediction) => prediction.verdict === verdict).length;
  return { good: of('good'), weak: of('weak'), unsure: of('unsure') };
}

/** A bound and a truth may be the same fraction, rounded differently. */
const ROUNDING = 1e-9;

/** Whether the interval contains the truth. */
export function holdsTruth({ low, high, true: truth }: PredictedTruth): boolean {
  return truth >= low - ROUNDING && truth <= high + ROUNDING;
}

function agreementOf(measured: readonly (PredictedTruth | null)[]): Agreement | null {
  const known = measured.filter((one) => one !== null);
  if (known.length === 0) return null;
  const meanOf = (of: (one: (typeof known)[number]) => number) =>
    known.reduce((sum, one) => sum + of(one), 0) / known.length;
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
