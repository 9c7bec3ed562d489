/** Prepares, before training, the closed forms with which a model can be blended. */

import type { Device } from '../../../packages/onnx-grad/index.ts';
import { createRng } from '../../lib/rng.ts';
import { LATENT_TABLE } from '../../model/architectures/heads.ts';
import type { CampaignPrior } from '../../model/campaign-prior.ts';
import type { AdaptationSettings } from '../../model/manifest.ts';
import { tuneRegression } from '../baselines/population-ridge.ts';
import { tuneLogisticRegression } from '../baselines/tune-logistic-regression.ts';
import { openFutures } from '../history/futures.ts';
import type { CampaignHistory } from '../history/history.ts';
import type { PreparedDataSet } from '../history/prepared-data-set.ts';
import type { InitialModel } from '../meta/initial-model.ts';
import type { TrainSettings } from '../settings.ts';
import { type CampaignWeights, priorsBefore, regressCampaigns, withPriors } from './campaign-weights.ts';
import type { SettingChoice } from './tuning.ts';

export interface PartsOptions {
  readonly settings: TrainSettings;
  readonly device: Device;
  /** Called for each part that is also a separate method, with the part's best setting. */
  readonly onTuned?: (part: 'regression' | 'logistic', choice: SettingChoice) => void;
}

export interface Parts {
  /** The adaptation, in which each part has the setting that performs best for that part alone. */
  readonly adaptation: AdaptationSettings;
  readonly choices: {
    readonly regression_choice: SettingChoice | null;
    readonly companion_choice: SettingChoice | null;
  };
  /** The regressions of all train campaigns; none if the model has no prior. */
  readonly weights: readonly CampaignWeights[];
  readonly priors: readonly CampaignPrior[];
}

export async function openParts(
  prepared: PreparedDataSet,
  initialModel: InitialModel,
  campaigns: readonly CampaignHistory[],
  { settings, device, onTuned }: PartsOptions,
): Promise<Parts> {
  const futures = openFutures(prepared, prepared.userFeatures);
  // the name of the random stream must not change
  const tuning = createRng(`train/${settings.seed}/companion`);
  const regression = tuneRegression(futures, settings.adaptation, tuning);
  if (regression.choice) onTuned?.('regression', regression.choice);
  const vectors = initialModel.graph.initializers.get(LATENT_TABLE)?.data as Float32Array | undefined;
  const { adaptation, choice } = tuneLogisticRegression(futures, vectors, regression.adaptation, tuning);
  if (choice) onTuned?.('logistic', choice);
  const weights = await regressCampaigns(prepared, initialModel, campaigns, { seed: settings.seed, device });
  const priors = priorsBefore(weights);
  return {
    adaptation: adaptation.optimiser === 'gradient_descent' ? withPriors(adaptation, priors) : adaptation,
    choices: { regression_choice: regression.choice, companion_choice: choice },
    weights,
    priors,
  };
}
