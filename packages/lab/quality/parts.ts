/** The parts of the quality benchmark: the main comparison, and each ablation. */

import { systemClock } from '../../../src/lib/clock.ts';
import { assert } from '../../../src/lib/errors.ts';
import { createRng } from '../../../src/lib/rng.ts';
import type { GeneralModel } from '../../../src/model/load.ts';
import type { DescentSettings } from '../../../src/model/manifest.ts';
import { PAST_CAMPAIGNS } from '../../../src/population/read.ts';
import { type EvaluationReport, evaluate } from '../../../src/training/evaluation/evaluate.ts';
import { modelMethods } from '../../../src/training/evaluation/methods.ts';
import type { RankingQuality } from '../../../src/training/evaluation/metrics.ts';
import {
  type Difference,
  type Summary,
  subtract,
  summarise,
  type TrialQuality,
} from '../../../src/training/evaluation/summary.ts';
import { DEFAULT_TRAIN_SETTINGS, PUBLISHED_TRAIN_SETTINGS } from '../../../src/training/settings.ts';
import { type PredictionReport, reportPredictions } from '../predictions/agreement.ts';
import { measurePredictions } from '../predictions/measure.ts';
import { type Ablation, WHOLES, type WholeName } from './ablations.ts';
import { type BenchRun, type Training, trainedModel } from './bench-run.ts';

export interface MainResult {
  readonly users: number;
  readonly trainCampaigns: number;
  readonly pastCampaigns: boolean;
  readonly report: EvaluationReport;
  readonly prediction: PredictionReport;
  readonly training: Training;
  /** Facts about training with the published recipe; null if that model was not requested. */
  readonly published: Training | null;
}

/** Evaluates the default model, the published recipe if requested, and the baselines. */
export async function runMain(run: BenchRun): Promise<MainResult> {
  const { prepared, trials, methodOptions } = run;
  const own = await trainedModel(run, 'default', DEFAULT_TRAIN_SETTINGS);
  const published = run.options.published
    ? await trainedModel(run, 'published', PUBLISHED_TRAIN_SETTINGS, 'never')
    : null;
  const report = await evaluate(prepared, own.model, {
    ...methodOptions,
    clock: systemClock,
    beside: published ? [published.model] : [],
  });
  const measured = await measurePredictions(prepared, own.model, trials, methodOptions);
  return {
    users: prepared.population.rowCount,
    trainCampaigns: prepared.history.campaigns.filter(({ split }) => split === 'train').length,
    pastCampaigns: hasPastCampaigns(run),
    report,
    prediction: reportPredictions(measured, own.model.manifest.drift),
    training: own.training,
    published: published?.training ?? null,
  };
}

/** A whole model that ablations start from. */
export interface WholeResult {
  readonly repeats: number;
  readonly training: Training;
  readonly summary: Summary;
  /** The quality on each test campaign in each repeat. */
  readonly qualities: readonly (readonly RankingQuality[])[];
}

export async function runWhole(run: BenchRun, name: WholeName): Promise<WholeResult> {
  const { model, training } = await trainedModel(run, name, WHOLES[name]);
  const qualities = await tryModel(run, model);
  return {
    repeats: run.options.repeats,
    training,
    summary: summarise(qualities, createRng(`bench/${name}`)),
    qualities: qualities.map(({ repeats }) => repeats),
  };
}

export interface AblationResult {
  /** Facts about training the ablated model; null if the ablation uses the trained model. */
  readonly training: Training | null;
  /** The quality of the ablated model minus that of the whole model. */
  readonly difference: Difference;
}

/** Returns null if the data set lacks the element that the ablation leaves out. */
export async function runAblation(
  run: BenchRun,
  { name, of = 'reference', train, adapt, withoutPastCampaigns }: Ablation,
  whole: WholeResult,
): Promise<AblationResult | null> {
  if (withoutPastCampaigns && !hasPastCampaigns(run)) return null;
  const { model, training } = train
    ? await trainedModel(run, name, train(WHOLES[of]), withoutPastCampaigns ? 'never' : 'auto')
    : await trainedModel(run, of, WHOLES[of]);
  const qualities = await tryModel(run, adapt ? adaptedBy(model, adapt) : model);
  assert(whole.qualities.length === run.trials.length, 'the whole model was measured on other test campaigns');
  const theirs = run.trials.map((trial, i) => ({ trial, repeats: whole.qualities[i]! }));
  return {
    training: train ? training : null,
    difference: subtract(qualities, theirs, createRng(`bench/${name}`)),
  };
}

function hasPastCampaigns({ prepared }: BenchRun): boolean {
  return prepared.userFeatures.some(({ name }) => name === PAST_CAMPAIGNS);
}

function adaptedBy(model: GeneralModel, adapt: (from: DescentSettings) => DescentSettings): GeneralModel {
  const { adaptation } = model.manifest;
  assert(adaptation.optimiser === 'gradient_descent', 'the model has no heads');
  return { ...model, manifest: { ...model.manifest, adaptation: adapt(adaptation) } };
}

async function tryModel(run: BenchRun, model: GeneralModel): Promise<readonly TrialQuality[]> {
  const [method] = modelMethods(run.prepared, model, []);
  return (await method!.run(run.trials, run.methodOptions)).qualities;
}
