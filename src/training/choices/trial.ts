/**
 * A trial of the online stage on a past campaign: adapt to its seeds, score its evaluation rows, measure the quality.
 */
import type { Device } from '../../../packages/onnx-grad/index.ts';
import { assert } from '../../lib/errors.ts';
import type { GeneralModel } from '../../model/load.ts';
import type { DescentSettings } from '../../model/manifest.ts';
import { bind } from '../../online/binding.ts';
import { customise } from '../../online/customise.ts';
import type { Outside } from '../../online/negatives.ts';
import {
  type CustomisedModel,
  type CustomiseRequest,
  type OnlineContext,
  openOnlineProgram,
} from '../../online/online-context.ts';
import { ownToken } from '../../online/own-token.ts';
import type { Prediction } from '../../online/quality/prediction.ts';
import { type SeedRanks, topCount } from '../../online/quality/seed-ranks.ts';
import { openBoundRegression } from '../../online/regression/bound-regression.ts';
import { openScorer, type Scorer } from '../../online/scoring/score.ts';
import type { Population } from '../../population/read.ts';
import { aucAgainstAll, measureRanking, type RankingQuality } from '../evaluation/metrics.ts';
import type { CampaignHistory, LabelledRows } from '../history/history.ts';
import { type Reach, reaches } from '../history/reach.ts';
import type { DriftPair } from './drift.ts';

/** A campaign to evaluate. Its users are user numbers. */
export interface Trial {
  readonly id: string;
  readonly features: CampaignHistory['features'];
  readonly group: 'small' | 'large' | null;
  readonly seeds: Int32Array;
  readonly evaluation: LabelledRows;
  /** The users within reach, who include all candidates, seeds and evaluated users. */
  readonly reach?: Reach;
}

/** Trials of one past campaign that differ only in their seeds. */
export interface CampaignTrials {
  readonly trials: readonly Trial[];
  /**
   * The stage of a training run. Trials of the current stage are repeated with other settings or parameters; trials of
   * an earlier stage are not.
   */
  readonly stage: string;
  /** Key of all random numbers. It is the same for all settings, so that comparisons are paired. */
  readonly key: string;
  /** Future campaigns, whose tokens no user has yet. */
  readonly future: readonly string[];
  /**
   * The settings for adapting the heads, used one after another. A model without heads is adapted once, with its own
   * settings.
   */
  readonly settings: readonly DescentSettings[];
}

const NO_ROWS = new Int32Array(0);
/**
 * Trials have no users outside the filters, because all seeds are within reach and nothing is compared with users
 * outside the reach.
 */
const NOBODY_OUTSIDE: Outside = { seeds: NO_ROWS, others: NO_ROWS, dismissed: NO_ROWS };

/** The audience sizes at which precision, recall and lift are summarised, as shares. */
export const SHARES = [0.05] as const;

/** A model opened for trials on a population. */
export interface TrialModel {
  readonly context: OnlineContext;
  readonly scorer: Scorer;
  close(): Promise<void>;
}

/** Opens a model for trials. Errors: invalid_model if the population lacks a feature that the model reads. */
export async function openTrialModel(
  model: GeneralModel,
  population: Population,
  device: Device,
  { withRegression = true } = {},
): Promise<TrialModel> {
  const binding = bind(model.folder, population);
  const program = await openOnlineProgram(model, { device });
  // each trial scores its rows once
  const scorer = await openScorer({ ...model, binding }, { device, withUserSide: false });
  const regression = withRegression ? await openBoundRegression({ model, population, binding }, { device }) : null;
  return {
    context: { model, population, binding, program, regression },
    scorer,
    async close() {
      await program.steps.close();
      await scorer.close();
      await regression?.close();
    },
  };
}

/**
 * Adapts to the trial's seeds with the random numbers of `key`, scores the trial's evaluation rows and measures the
 * quality.
 */
export async function runTrial(
  context: OnlineContext,
  scorer: Scorer,
  trial: Trial,
  key: string,
  shares: readonly number[] = SHARES,
): Promise<RankingQuality> {
  return measureTrial(context, scorer, trial, await customise(context, requestOf(context, trial, key)), shares);
}

/**
 * Scores the trial's evaluation rows with the unadapted model, which does not depend on the seeds, and measures the
 * quality.
 */
export function runUnadaptedTrial(
  context: OnlineContext,
  scorer: Scorer,
  trial: Trial,
  shares: readonly number[] = SHARES,
): Promise<RankingQuality> {
  const { adapted, graph } = context.model;
  const parameters = new Map(adapted.map((name) => [name, graph.initializers.get(name)!]));
  return measureTrial(context, scorer, trial, { parameters }, shares);
}

/**
 * Runs a trial like `runTrial`. Also returns the prediction from the seeds and the unlabelled users of the evaluation
 * rows, and the ranks from which the prediction is computed.
 */
export async function runPredictedTrial(
  context: OnlineContext,
  scorer: Scorer,
  trial: Trial,
  key: string,
  shares: readonly number[],
): Promise<{ readonly quality: RankingQuality; readonly prediction: Prediction; readonly ranks: SeedRanks | null }> {
  const { rowOf } = context.population;
  const ranked = trial.evaluation.users.map((user) => rowOf[user]!);
  const customised = await customise(context, {
    ...requestOf(context, trial, key),
    withoutQuality: false,
    ranked,
  });
  const { prediction, ranks } = customised;
  assert(prediction !== null, 'no prediction');
  return { quality: await measureTrial(context, scorer, trial, customised, shares), prediction, ranks };
}

function requestOf({ model, population }: OnlineContext, trial: Trial, key: string): CustomiseRequest {
  const seeds = trial.seeds.map((user) => population.rowOf[user]!).sort();
  return {
    key,
    without: ownToken(model.folder, trial.id),
    campaign: trial.id,
    withoutQuality: true,
    features: trial.features,
    seeds,
    candidates: othersThan(population, seeds, trial.reach),
    ...(trial.reach ? { outside: NOBODY_OUTSIDE } : {}),
  };
}

async function measureTrial(
  { model, population, parameters: all }: OnlineContext,
  scorer: Scorer,
  { id, features, evaluation: { users, labels } }: Trial,
  customised: Pick<CustomisedModel, 'parameters'>,
  shares: readonly number[],
): Promise<RankingQuality> {
  const rows = population.readRows(users.map((user) => population.rowOf[user]!));
  // a model in training supplies all its parameters, and its scorer needs all of them
  const parameters = all ? new Map([...all, ...customised.parameters]) : customised.parameters;
  const scores = await scorer.score(rows, { features, parameters, without: ownToken(model.folder, id) });
  return measureRanking(users, scores, labels, shares);
}

/** Rows of the population within reach that are not in `rows`, ascending. */
export function othersThan(population: Population, rows: Int32Array, reach?: Reach): Int32Array {
  const isIn = new Uint8Array(population.rowCount);
  for (const row of rows) isIn[row] = 1;
  if (reach) {
    const { rowOf } = population;
    for (let user = 0; user < rowOf.length; user++) if (!reaches(reach, user)) isIn[rowOf[user]!] = 1;
  }
  const out = new Int32Array(population.rowCount);
  let count = 0;
  for (let row = 0; row < isIn.length; row++) if (isIn[row] === 0) out[count++] = row;
  return out.subarray(0, count);
}

/** The test campaigns of a history as trials. */
export function testTrials(campaigns: readonly CampaignHistory[]): Trial[] {
  return campaigns
    .filter(({ split }) => split === 'test')
    .map(({ id, features, group, seeds, evaluation, reach }) => ({ id, features, group, seeds, evaluation, reach }));
}

/** Sizes at which recall is compared. Drift hardly differs between them. */
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
    // the true AUC is defined like the predicted AUC
    auc: { chance: 0.5, said: auc, true: aucAgainstAll(quality, members) },
  };
}
