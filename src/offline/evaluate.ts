/** Evaluation on test campaigns: the online stage as it is served, beside honest baselines. */
import type { Clock } from '../lib/clock.ts';
import { AppError } from '../lib/errors.ts';
import { createRng } from '../lib/rng.ts';
import type { GeneralModel } from '../model/load.ts';
import type { Device } from '../model/session.ts';
import { bind } from '../online/binding.ts';
import { type OnlineContext, openOnlineProgram } from '../online/customise.ts';
import { openScorer } from '../online/score.ts';
import { type Baseline, centroidBaseline, logisticRegressionBaseline, randomBaseline } from './baselines.ts';
import { measureRanking } from './metrics.ts';
import { buildOneHot } from './one-hot.ts';
import { checkPredictions, type PredictionReport } from './prediction-check.ts';
import { chooseStrength } from './regularisation.ts';
import { type Summary, summarise, type TrialQuality } from './summary.ts';
import { runTrial, SHARES, type Trial, testTrials } from './trial.ts';
import type { Workspace } from './workspace.ts';

export interface EvaluationReport {
  readonly dataset: string;
  readonly model: string;
  readonly repeats: number;
  readonly methods: Readonly<Record<string, Summary>>;
  /** The entry of `metaheac` again. */
  readonly groups: Summary;
  /** How what is predicted from the seeds alone agrees with what the eval rows say. */
  readonly prediction: PredictionReport;
  /** Adaptation and scoring of one campaign. */
  readonly seconds_per_campaign: number;
  /** Inverse L2 strength of logistic regression, chosen on train campaigns. */
  readonly logistic_regression_strength: number;
  readonly skipped_campaigns: readonly { readonly id: string; readonly reason: string }[];
}

export interface EvaluationOptions {
  readonly repeats: number;
  readonly seed: number;
  readonly device: Device;
  readonly clock: Clock;
  readonly onProgress?: (done: number, total: number) => void;
  /** Told of each campaign whose quality was predicted. */
  readonly onPrediction?: (done: number, total: number) => void;
}

/** Adapts to each test campaign's seeds and scores its eval rows, `repeats` times with different draws. No test campaign is invalid_data. */
export async function evaluate(
  workspace: Workspace,
  model: GeneralModel,
  options: EvaluationOptions,
): Promise<EvaluationReport> {
  const { population, history, dataSet, userFeatures } = workspace;
  const trials = testTrials(history.campaigns);
  if (trials.length === 0)
    throw new AppError('invalid_data', `${dataSet.path} has no test campaign that can be evaluated`);
  const rng = createRng(`evaluate/${options.seed}`);
  const total = trials.length * options.repeats;
  let done = 0;
  const start = options.clock.elapsed();
  const metaheac = await tryModel(workspace, model, trials, options, () => options.onProgress?.(++done, total));
  const seconds = (options.clock.elapsed() - start) / 1000 / total;

  const oneHot = buildOneHot(population, userFeatures);
  const { strength } = chooseStrength(
    oneHot,
    history.campaigns.filter(({ split }) => split === 'train'),
    rng.fork('strength'),
  );
  const methods: Record<string, Summary> = { metaheac: summarise(metaheac, rng.fork('metaheac')) };
  for (const baseline of [logisticRegressionBaseline(oneHot, strength), centroidBaseline(oneHot), randomBaseline()]) {
    methods[baseline.name] = summarise(tryBaseline(baseline, trials, options), rng.fork(baseline.name));
  }
  return {
    dataset: dataSet.name,
    model: `${model.manifest.name} ${model.manifest.version}`,
    repeats: options.repeats,
    methods,
    groups: methods['metaheac']!,
    prediction: await checkPredictions(workspace, model, trials, options),
    seconds_per_campaign: seconds,
    logistic_regression_strength: strength,
    skipped_campaigns: history.skipped
      .filter(({ split }) => split === 'test')
      .map(({ id, reason }) => ({ id, reason })),
  };
}

async function tryModel(
  workspace: Workspace,
  model: GeneralModel,
  trials: readonly Trial[],
  { repeats, seed, device }: EvaluationOptions,
  onDone: () => void,
): Promise<TrialQuality[]> {
  const { population } = workspace;
  const binding = bind(model.folder, population);
  const program = await openOnlineProgram(model, { device });
  const scorer = await openScorer({ ...model, binding }, { device });
  const context: OnlineContext = { model, population, binding, program };
  const out: TrialQuality[] = [];
  try {
    for (const trial of trials) {
      const qualities = [];
      for (let repeat = 0; repeat < repeats; repeat++) {
        qualities.push(await runTrial(context, scorer, trial, `evaluate/${seed}/${repeat}/${trial.id}`));
        onDone();
      }
      out.push({ trial, repeats: qualities });
    }
  } finally {
    await program.steps.close();
    await scorer.close();
  }
  return out;
}

function tryBaseline(
  baseline: Baseline,
  trials: readonly Trial[],
  { repeats, seed }: EvaluationOptions,
): TrialQuality[] {
  return trials.map((trial) => ({
    trial,
    repeats: Array.from({ length: repeats }, (_, repeat) => {
      const score = baseline.scorer(trial.seeds, createRng(`evaluate/${seed}/${repeat}/${trial.id}/${baseline.name}`));
      return measureRanking(trial.evaluation.users, score(trial.evaluation.users), trial.evaluation.labels, SHARES);
    }),
  }));
}
