/**
 * Compares two general models on the same test campaigns, to find out whether the new model is worse than the serving
 * one.
 */
import { AppError } from '../../lib/errors.ts';
import { createRng } from '../../lib/rng.ts';
import type { GeneralModel } from '../../model/load.ts';
import { testTrials } from '../choices/trial.ts';
import type { PreparedDataSet } from '../history/prepared-data-set.ts';
import { type MethodOptions, modelMethod } from './methods.ts';
import { type GroupDifference, subtract, summarise } from './summary.ts';

/** Means over the campaigns, and the paired difference: the new model minus the serving model. */
export interface Comparison {
  readonly campaigns: number;
  readonly serving: { readonly auc: number; readonly precision: number };
  readonly fresh: { readonly auc: number; readonly precision: number };
  readonly difference: GroupDifference;
  /** Whether the interval of a difference lies below zero. */
  readonly isWorse: boolean;
}

/** The audience size at which precision is measured, as a share. */
const SHARE = '0.05';

/**
 * Lets both models adapt to the seeds of each test campaign and rank the campaign's other users, with the same random
 * numbers. The new model is worse if the 95 % interval of its difference lies below zero, in AUC or in precision@5%.
 * Errors: invalid_model if the population lacks a feature that a model reads; invalid_data without test campaigns.
 */
export async function compareModels(
  prepared: PreparedDataSet,
  models: { readonly serving: GeneralModel; readonly fresh: GeneralModel },
  options: MethodOptions,
): Promise<Comparison> {
  const trials = testTrials(prepared.history.campaigns);
  if (trials.length === 0) throw new AppError('invalid_data', `${prepared.dataSet.path} has no test campaigns`);
  const methods = [modelMethod('fresh', prepared, models.fresh), modelMethod('serving', prepared, models.serving)];
  const rng = createRng(`retrain/${options.seed}`);
  const results = [];
  for (const method of methods) results.push((await method.run(trials, options)).qualities);
  const [ours, theirs] = results as [(typeof results)[number], (typeof results)[number]];
  const meansOf = (qualities: typeof ours, name: string) => {
    const { auc, precision } = summarise(qualities, rng.fork(name)).all!;
    return { auc: auc.mean, precision: precision[SHARE]!.mean };
  };
  const difference = subtract(ours, theirs, rng.fork('difference')).all!;
  return {
    campaigns: trials.length,
    serving: meansOf(theirs, 'serving'),
    fresh: meansOf(ours, 'fresh'),
    difference,
    isWorse: difference.auc.high < 0 || difference.precision[SHARE]!.high < 0,
  };
}
