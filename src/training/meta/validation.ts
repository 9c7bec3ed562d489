/**
 * Validation: a model in training adapts to simulated seed sets of past campaigns, as the service would to the seeds of
 * future campaigns.
 */

import type { Parameters } from '../../../packages/onnx-grad/index.ts';
import { createRng, type Rng } from '../../lib/rng.ts';
import type { DescentSettings } from '../../model/manifest.ts';
import { type Choice, chooseAdaptation, STAGES, STAGES_AT_START } from '../choices/choose-adaptation.ts';
import { chooseBlend, comparedSettings, fitStackBefore, stackWhereFew } from '../choices/choose-blend.ts';
import { LEAST_CAMPAIGNS, type Outcome } from '../choices/evidence.ts';
import type { TrialLogits } from '../choices/head-trials.ts';
import type { CampaignTrials } from '../choices/trial.ts';
import { meanOutcome } from '../choices/tuning.ts';
import { type Summary, summarise } from '../evaluation/summary.ts';
import { foldsOf, trialsOf } from '../history/futures.ts';
import type { HeldOut } from '../history/held-out.ts';
import type { CampaignHistory } from '../history/history.ts';
import { type Future, knownUsers, recurrenceOf } from '../history/members.ts';
import type { PreparedDataSet } from '../history/prepared-data-set.ts';
import {
  CHOICE_CAMPAIGNS,
  CHOICE_SEEDS,
  START_CAMPAIGNS,
  type TrainSettings,
  VALIDATION_CAMPAIGNS,
  VALIDATION_SEEDS,
} from '../settings.ts';
import type { Learners } from './learners.ts';

export interface Validation {
  /**
   * Measures the quality on the held-out campaigns. A campaign's quality is the mean over its seed sets, because seed
   * sets of one campaign are not independent.
   */
  validate(learners: Learners, parameters: Parameters): Promise<Summary>;
  /**
   * Chooses the best way to adapt the heads (possibly the choice `before` training) and to blend them; null if the
   * model has no heads.
   */
  choose(learners: Learners, parameters: Parameters, before: Choice | null): Promise<Choice | null>;
}

type Known = Pick<TrainSettings, 'seed' | 'adaptation'>;

/**
 * Chooses the best way to adapt the heads of an untrained model. The choice is made on train campaigns, because there
 * are more train campaigns than campaigns held out later, and because a general model trained on few campaigns adds
 * little. null if the model has no heads.
 */
export async function chooseAtStart(
  { population }: PreparedDataSet,
  campaigns: readonly CampaignHistory[],
  learners: Learners,
  parameters: Parameters,
  { seed, adaptation }: Known,
): Promise<Choice | null> {
  if (adaptation.optimiser !== 'gradient_descent') return null;
  const campaignTrials = startTrials(campaigns, population, seed);
  if (campaignTrials.length < LEAST_CAMPAIGNS)
    return { settings: adaptation, tried: [], campaigns: campaignTrials.length };
  const evaluate = evaluateAll(learners, parameters, campaignTrials);
  const chosen = await chooseAdaptation(adaptation, campaignTrials.length, evaluate, { stages: STAGES_AT_START });
  const logits = await logitsOf(learners, parameters, campaignTrials, chosen.settings);
  return logits ? { ...chosen, stack: fitStackBefore(chosen.settings, logits) } : chosen;
}

/** The trials of train campaigns before training. */
function startTrials(
  campaigns: readonly CampaignHistory[],
  population: PreparedDataSet['population'],
  seed: number,
): CampaignTrials[] {
  const key = `train/${seed}/start`;
  const rng = createRng(key);
  const folds = foldsOf(campaigns, rng.fork('folds'));
  const each = Math.ceil(START_CAMPAIGNS / Math.max(folds.length, 1));
  return folds.flatMap((future) => trialsPerCampaign(campaigns, future, each, CHOICE_SEEDS, population, rng, key));
}

/** The logits of all parts of the settings' blends, by campaign and trial; null if there is no regression to blend. */
async function logitsOf(
  learners: Learners,
  parameters: Parameters,
  campaignTrials: readonly CampaignTrials[],
  settings: DescentSettings,
): Promise<TrialLogits[][] | null> {
  if (!settings.regression) return null;
  const compared = [comparedSettings(settings, settings.regression)];
  return learners.logits(
    parameters,
    campaignTrials.map((campaign) => ({ ...campaign, settings: compared })),
  );
}

/** Returns, for each setting, the outcome of each campaign, which is the mean over its seed sets. */
function evaluateAll(learners: Learners, parameters: Parameters, campaignTrials: readonly CampaignTrials[]) {
  return async (settings: readonly DescentSettings[]): Promise<Outcome[][]> => {
    const evaluated = await learners.evaluate(
      parameters,
      campaignTrials.map((campaign) => ({ ...campaign, settings })),
    );
    return settings.map((_, s) =>
      evaluated.map((campaign) =>
        meanOutcome(campaign[s]!.map(({ auc, top }) => ({ auc, precision: top[0]!.precision }))),
      ),
    );
  };
}

/**
 * Trials of at most `most` of the campaigns that are treated as future ones, one trial for each number of seeds. A
 * campaign that is too small is omitted.
 */
export function trialsPerCampaign(
  campaigns: readonly CampaignHistory[],
  future: Future,
  most: number,
  seedCounts: readonly number[],
  population: PreparedDataSet['population'],
  rng: Rng,
  key: string,
): CampaignTrials[] {
  const users = population.rowOf.length;
  const known = { isKnown: knownUsers(campaigns, future, users), share: recurrenceOf(campaigns, users) };
  const ids = future.map(({ id }) => id);
  const stage = `${key}/${seedCounts.join()}`;
  return future.slice(0, most).flatMap((campaign): CampaignTrials[] => {
    const trials = trialsOf(campaign, seedCounts, known, population, rng);
    return trials.length > 0 ? [{ trials, stage, key: `${key}/${campaign.id}`, future: ids, settings: [] }] : [];
  });
}

export function sampleValidation(
  { population }: PreparedDataSet,
  { campaigns, held }: HeldOut,
  { seed, adaptation }: Known,
): Validation {
  const rng = createRng(`train/${seed}/trials`);
  const key = `train/${seed}/validation`;
  const descent = adaptation.optimiser === 'gradient_descent' ? [adaptation] : [];
  const trials = trialsPerCampaign(campaigns, held, VALIDATION_CAMPAIGNS, VALIDATION_SEEDS, population, rng, key);
  const validated = trials.map((campaign) => ({ ...campaign, settings: descent }));
  return {
    async validate(learners, parameters) {
      const evaluated = await learners.evaluate(parameters, validated);
      const qualities = validated.map(({ trials }, i) => ({ trial: trials[0]!, repeats: evaluated[i]![0]! }));
      return summarise(qualities, rng.fork('bootstrap'));
    },
    async choose(learners, parameters, before) {
      const [defaults] = descent;
      if (!defaults) return null;
      const draws = createRng(`train/${seed}/trials`);
      const campaignTrials = trialsPerCampaign(campaigns, held, CHOICE_CAMPAIGNS, CHOICE_SEEDS, population, draws, key);
      const evaluate = evaluateAll(learners, parameters, campaignTrials);
      const adapted = await chooseAdaptation(defaults, campaignTrials.length, evaluate, {
        stages: STAGES,
        ...(before ? { before: before.settings } : {}),
      });
      const logits = await logitsOf(learners, parameters, campaignTrials, adapted.settings);
      if (!logits) return adapted;
      const stack = before?.stack ?? stackWhereFew(adapted.settings);
      const { settings, choice: blend } = chooseBlend(adapted.settings, logits, adapted.settings.regression!, stack);
      return { ...adapted, settings, blend };
    },
  };
}
