/**
 * The parts of the quality benchmark: the main comparison, each ablation, and the curve of quality by number of seeds.
 */

import { systemClock } from '../../../src/lib/clock.ts';
import { assert } from '../../../src/lib/errors.ts';
import type { Interval } from '../../../src/lib/interval.ts';
import { createRng } from '../../../src/lib/rng.ts';
import type { GeneralModel } from '../../../src/model/load.ts';
import type { DescentSettings } from '../../../src/model/manifest.ts';
import { PAST_CAMPAIGNS } from '../../../src/population/read.ts';
import { bootstrapMean } from '../../../src/training/evaluation/bootstrap.ts';
import { type EvaluationReport, evaluate } from '../../../src/training/evaluation/evaluate.ts';
import { baselineMethods, type Method, modelMethods } from '../../../src/training/evaluation/methods.ts';
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
import { type BenchRun, SEED, type Training, trainedModel } from './bench-run.ts';
import { SEED_COUNTS, sampleNestedSeeds } from './nested-seeds.ts';

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

/** The results for one number of seeds, on the test campaigns that have at least twice as many members as seeds. */
export interface CurvePoint {
  readonly seeds: number;
  readonly campaigns: number;
  /** The mean AUC by method. */
  readonly auc: Readonly<Record<string, Interval>>;
  /** The AUC of the model minus the AUC of each method, campaign by campaign. */
  readonly ahead: Readonly<Record<string, Interval>>;
  /** The gain in the model's AUC compared with the previous number of seeds, on the same campaigns. */
  readonly gain: Interval | null;
}

const CURVE_BASELINES: readonly string[] = ['logistic_regression', 'logistic_regression_svd'];

/**
 * Measures how the AUC of the default model and of logistic regressions depends on the number of seeds, with one draw
 * of seeds per campaign.
 */
export async function runCurve(run: BenchRun): Promise<readonly CurvePoint[]> {
  const { prepared, trials } = run;
  const rng = createRng('bench/curve');
  const sampled = trials.flatMap((trial) => sampleNestedSeeds(trial, SEED_COUNTS, rng.fork(trial.id)));
  if (sampled.length === 0) return [];
  const { model } = await trainedModel(run, 'default', DEFAULT_TRAIN_SETTINGS);
  const methods = [
    ...modelMethods(prepared, model, []),
    ...baselineMethods(prepared, createRng(`evaluate/${SEED}`)).filter(({ name }) => CURVE_BASELINES.includes(name)),
  ];
  const aucs = new Map<string, readonly number[]>();
  for (const method of methods) aucs.set(method.name, await aucsOf(run, method, sampled));
  const [own] = aucs.values();
  const placeOf = new Map(sampled.map(({ id, seeds }, i) => [`${id}/${seeds.length}`, i]));
  return SEED_COUNTS.flatMap((seeds, at) => {
    const places = [...sampled.keys()].filter((i) => sampled[i]!.seeds.length === seeds);
    if (places.length === 0) return [];
    const before = (i: number) => placeOf.get(`${sampled[i]!.id}/${SEED_COUNTS[at - 1]}`);
    const interval = (what: string, of: (i: number) => number) =>
      bootstrapMean(places.map(of), rng.fork(`${seeds}/${what}`));
    const byMethod = (what: string, of: (theirs: readonly number[], i: number) => number) =>
      Object.fromEntries([...aucs].map(([name, all]) => [name, interval(`${what}/${name}`, (i) => of(all, i))]));
    const { [methods[0]!.name]: _, ...ahead } = byMethod('ahead', (theirs, i) => own![i]! - theirs[i]!);
    return {
      seeds,
      campaigns: places.length,
      auc: byMethod('auc', (all, i) => all[i]!),
      ahead,
      gain: at === 0 ? null : interval('gain', (i) => own![i]! - own![before(i)!]!),
    };
  });
}

async function aucsOf(run: BenchRun, method: Method, trials: BenchRun['trials']): Promise<number[]> {
  const { qualities } = await method.run(trials, { ...run.methodOptions, repeats: 1 });
  return qualities.map(({ repeats }) => repeats[0]!.auc);
}
