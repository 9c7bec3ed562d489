/** A trial that measures drift: the prediction from its seeds, and the true values for the hidden members. */
import type { OnlineContext } from '../../online/online-context.ts';
import { topCount } from '../../online/quality/seed-ranks.ts';
import type { Scorer } from '../../online/scoring/score.ts';
import { aucAgainstAll } from '../evaluation/metrics.ts';
import type { DriftPair } from './drift.ts';
import { runPredictedTrial, type Trial } from './trial.ts';

/** Sizes at which recall is compared; drift hardly differs between these sizes. */
const DRIFT_SHARES = [0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5] as const;

/** Makes a prediction from the trial's seeds and measures the true values; null if there are too few seeds. */
export async function runDriftTrial(
  context: OnlineContext,
  scorer: Scorer,
  trial: Trial,
  key: string,
): Promise<DriftPair | null> {
  const { quality, prediction } = await runPredictedTrial(context, scorer, trial, key, DRIFT_SHARES);
  const { auc, recall } = prediction;
  if (auc === null) return null;
  const { labels } = trial.evaluation;
  const members = labels.reduce((sum, label) => sum + label, 0) / labels.length;
  return {
    seeds: trial.seeds.length,
    recall: quality.top.map((top) => ({
      chance: topCount(labels.length, top.share) / labels.length,
      said: recall[String(top.share)]!,
      true: top.recall,
    })),
    // the true AUC is defined in the same way as the predicted AUC
    auc: { chance: 0.5, said: auc, true: aucAgainstAll(quality, members) },
  };
}
