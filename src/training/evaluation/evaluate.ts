/**
 * Evaluates the online stage, as it is served, on test campaigns and compares it with tuned baselines and other models.
 * Also compares two general models on the same test campaigns, to find out whether a new model is worse.
 */
import type { Device } from '../../../packages/onnx-grad/index.ts';
import type { Clock } from '../../lib/clock.ts';
import { AppError } from '../../lib/errors.ts';
import { createRng } from '../../lib/rng.ts';
import type { GeneralModel } from '../../model/load.ts';
import { type Trial, testTrials } from '../choices/trial.ts';
import type { SettingChoice } from '../choices/tuning.ts';
import type { PreparedDataSet } from '../history/prepared-data-set.ts';
import { binBySeeds, type CurvePoint, curveOf, meanOf, type SeedBin } from './curves.ts';
import {
  BASELINES,
  baselineMethods,
  labelOf,
  MAIN_METHOD,
  type MethodOptions,
  type MethodResult,
  modelMethod,
  modelMethods,
} from './methods.ts';
import { scoreMethods } from './score-file.ts';
import { type Difference, type GroupDifference, type Summary, subtract, summarise } from './summary.ts';

export interface EvaluationReport {
  readonly dataset: string;
  readonly model: string;
  readonly repeats: number;
  readonly seed: number;
  readonly methods: Readonly<Record<string, Summary>>;
  /** The same summary as `methods.metaheac`. */
  readonly groups: Summary;
  /** The differences between `metaheac` and each other method (`metaheac` minus that method), campaign by campaign. */
  readonly differences: Readonly<Record<string, Difference>>;
  /** Recall and lift by method and by the size of the audience, over all campaigns. */
  readonly curves: Readonly<Record<string, readonly CurvePoint[]>>;
  /** AUC by the number of seeds. */
  readonly by_seeds: readonly SeedBin[];
  /** Each test campaign, in the order of the data set. */
  readonly campaigns: readonly CampaignResult[];
  /** Mean time to adapt to one campaign and score its users. */
  readonly seconds_per_campaign: number;
  /** Time by method, for all campaigns and repeats, including the choice of the method's setting. */
  readonly seconds: Readonly<Record<string, number>>;
  /** Inverse L2 strength of logistic regression, chosen on train campaigns. */
  readonly logistic_regression_strength: number;
  /** The setting chosen on train campaigns, by method; only for methods that have settings. */
  readonly chosen: Readonly<Record<string, SettingChoice>>;
  readonly skipped_campaigns: readonly { readonly id: string; readonly reason: string }[];
}

/** One test campaign. */
export interface CampaignResult {
  readonly id: string;
  readonly group: Trial['group'];
  readonly seeds: number;
  /** Number of ranked rows; `members` is the number of members among them. */
  readonly rows: number;
  readonly members: number;
  /** AUC by method; the mean over repeats. */
  readonly auc: Readonly<Record<string, number>>;
}

export interface EvaluationOptions {
  readonly repeats: number;
  readonly seed: number;
  readonly device: Device;
  readonly clock: Clock;
  /** Other models, each of which is a separate method (see `modelMethods`). */
  readonly beside?: readonly GeneralModel[];
  /** Whether models are also evaluated without adaptation. */
  readonly withUnadapted?: boolean;
  /** Paths of score files, each of which is a separate method (see `scoreMethods`). */
  readonly scores?: readonly string[];
  readonly onProgress?: (done: number, total: number) => void;
}

/**
 * Adapts to each test campaign's seeds and scores its eval rows, `repeats` times with different random numbers; does
 * the same for other models and baselines. Errors: invalid_data if there is no test campaign. Errors in other models or
 * score files are reported before anything is evaluated.
 */
export async function evaluate(
  prepared: PreparedDataSet,
  model: GeneralModel,
  options: EvaluationOptions,
): Promise<EvaluationReport> {
  const { history, dataSet } = prepared;
  const { clock, repeats } = options;
  const trials = testTrials(history.campaigns);
  if (trials.length === 0)
    throw new AppError('invalid_data', `${dataSet.path} has no test campaign that can be evaluated`);
  const rng = createRng(`evaluate/${options.seed}`);
  const models = modelMethods(prepared, model, options.beside ?? [], options.withUnadapted);
  const taken = new Set([...models.map(({ name }) => name), ...BASELINES]);
  const scored = await scoreMethods(options.scores ?? [], history, prepared.population.directory, trials, taken);
  const total = trials.length * repeats * models.length;
  let done = 0;
  const onDone = () => options.onProgress?.(++done, total);

  const results = new Map<string, MethodResult & { readonly seconds: number }>();
  for (const method of [...models, ...scored, ...baselineMethods(prepared, rng)]) {
    const start = clock.elapsed();
    const result = await method.run(trials, { ...options, onDone });
    results.set(method.name, { ...result, seconds: (clock.elapsed() - start) / 1000 });
  }

  const own = results.get(MAIN_METHOD)!;
  const others = new Map([...results].filter(([name]) => name !== MAIN_METHOD));
  const tuned = new Map([...results].filter(([, { choice }]) => choice !== undefined));
  const methods = mapValues(results, ({ qualities }, name) => summarise(qualities, rng.fork(name)));
  const qualitiesOf = new Map([...results].map(([name, { qualities }]) => [name, qualities]));
  return {
    dataset: dataSet.name,
    model: labelOf(model),
    repeats,
    seed: options.seed,
    methods,
    groups: methods[MAIN_METHOD]!,
    curves: mapValues(qualitiesOf, (qualities, name) => curveOf(qualities, rng.fork(`curve/${name}`))),
    by_seeds: binBySeeds(qualitiesOf, rng.fork('seeds')),
    campaigns: trials.map((trial, i) =>
      campaignResult(
        trial,
        mapValues(qualitiesOf, (all) => meanOf(all[i]!.repeats, ({ auc }) => auc)),
      ),
    ),
    differences: mapValues(others, ({ qualities }, name) =>
      subtract(own.qualities, qualities, rng.fork(`difference/${name}`)),
    ),
    seconds_per_campaign: own.seconds / (trials.length * repeats),
    seconds: mapValues(results, ({ seconds }) => seconds),
    logistic_regression_strength: results.get('logistic_regression')!.choice!.setting['strength']!,
    chosen: mapValues(tuned, ({ choice }) => choice!),
    skipped_campaigns: history.skipped
      .filter(({ split }) => split === 'test')
      .map(({ id, reason }) => ({ id, reason })),
  };
}

function campaignResult({ id, group, seeds, evaluation }: Trial, auc: CampaignResult['auc']): CampaignResult {
  const members = evaluation.labels.reduce((sum, label) => sum + label, 0);
  return { id, group, seeds: seeds.length, rows: evaluation.labels.length, members, auc };
}

function mapValues<T, U>(values: ReadonlyMap<string, T>, of: (value: T, name: string) => U): Record<string, U> {
  return Object.fromEntries([...values].map(([name, value]) => [name, of(value, name)]));
}

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
