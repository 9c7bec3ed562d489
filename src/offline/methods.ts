/** The methods that an evaluation compares: general models, adapted as they are served, and baselines, their settings chosen on train campaigns. */
import { AppError } from '../lib/errors.ts';
import { createRng, type Rng } from '../lib/rng.ts';
import type { GeneralModel } from '../model/load.ts';
import type { Device } from '../model/session.ts';
import { bind } from '../online/binding.ts';
import { type OnlineContext, openOnlineProgram } from '../online/customise.ts';
import { openScorer } from '../online/score.ts';
import { PAST_CAMPAIGNS } from '../population/past-campaigns.ts';
import { type Baseline, centroidBaseline, randomBaseline, settle, type TunableMethod } from './baselines.ts';
import { logisticRegression, logisticRegressionOnLatent } from './logistic-baselines.ts';
import { measureRanking } from './metrics.ts';
import { naiveBayes } from './naive-bayes.ts';
import { buildOneHot, findColumn, type OneHot } from './one-hot.ts';
import type { TrialQuality } from './summary.ts';
import { runTrial, SHARES, type Trial } from './trial.ts';
import { chooseSetting, type SettingChoice } from './tuning.ts';
import type { Workspace } from './workspace.ts';

/** How methods are tried: equal settings give equal qualities. */
export interface MethodOptions {
  readonly repeats: number;
  readonly seed: number;
  readonly device: Device;
  /** A trial's repeat is done; for models alone, which take the time. */
  readonly onDone?: () => void;
}

export interface MethodResult {
  /** In the order of the trials. */
  readonly qualities: readonly TrialQuality[];
  /** Of a method that has a setting. */
  readonly choice?: SettingChoice;
}

export interface Method {
  readonly name: string;
  run(trials: readonly Trial[], options: MethodOptions): Promise<MethodResult>;
}

/** The method whose differences to all others are reported. */
export const MAIN_METHOD = 'metaheac';

const BASELINES = ['logistic_regression', 'logistic_regression_svd', 'naive_bayes', 'centroid', 'random'] as const;
type BaselineName = (typeof BASELINES)[number];

/**
 * `model` as `metaheac`; each of `beside` by its recipe where its manifest names one that is not taken, else by its name and version. Two that
 * cannot be told apart are invalid_argument, one whose features the population lacks is invalid_model.
 */
export function modelMethods(workspace: Workspace, model: GeneralModel, beside: readonly GeneralModel[]): Method[] {
  const methods = [modelMethod(MAIN_METHOD, workspace, model)];
  const taken = new Set<string>([MAIN_METHOD, ...BASELINES]);
  for (const other of beside) {
    const recipe = other.manifest.training?.['recipe'];
    const name = typeof recipe === 'string' && recipe !== '' && !taken.has(recipe) ? recipe : labelOf(other);
    if (taken.has(name)) throw new AppError('invalid_argument', `the model ${name} is there twice`);
    taken.add(name);
    methods.push(modelMethod(name, workspace, other));
  }
  return methods;
}

/** Name and version. */
export function labelOf({ manifest }: GeneralModel): string {
  return `${manifest.name} ${manifest.version}`;
}

function modelMethod(name: string, workspace: Workspace, model: GeneralModel): Method {
  const { population } = workspace;
  const binding = bind(model.folder, population);
  return {
    name,
    async run(trials, { repeats, seed, device, onDone }) {
      const program = await openOnlineProgram(model, { device });
      const scorer = await openScorer({ ...model, binding }, { device });
      const context: OnlineContext = { model, population, binding, program };
      const qualities: TrialQuality[] = [];
      try {
        for (const trial of trials) {
          const measured = [];
          for (let repeat = 0; repeat < repeats; repeat++) {
            measured.push(await runTrial(context, scorer, trial, `evaluate/${seed}/${repeat}/${trial.id}`));
            onDone?.();
          }
          qualities.push({ trial, repeats: measured });
        }
      } finally {
        await program.steps.close();
        await scorer.close();
      }
      return { qualities };
    },
  };
}

/**
 * The baselines, on the features of the workspace. Lists of past campaigns are not cut: a baseline pays nothing for their length, as a model does.
 * `rng` draws the SVD and the campaigns that settings are chosen on.
 */
export function baselineMethods({ dataSet, population, history, userFeatures }: Workspace, rng: Rng): Method[] {
  const features = userFeatures.map(({ maxLength, ...feature }) =>
    dataSet.userFeatures.some(({ name }) => name === feature.name) && maxLength !== undefined
      ? { ...feature, maxLength }
      : feature,
  );
  const oneHot = buildOneHot(population, features);
  const ownColumnOf = (campaign: string) => findColumn(population, features, PAST_CAMPAIGNS, campaign);
  return BASELINES.map((name) => ({
    name,
    async run(trials, { repeats, seed }) {
      const method = openBaseline(name, oneHot, rng);
      if ('scorer' in method) return { qualities: tryBaseline(method, trials, repeats, seed) };
      const choice = chooseSetting(method, history.campaigns, rng.fork('choice'), ownColumnOf);
      return { choice, qualities: tryBaseline(settle(method, choice.setting), trials, repeats, seed) };
    },
  }));
}

function openBaseline(name: BaselineName, oneHot: OneHot, rng: Rng): Baseline | TunableMethod {
  switch (name) {
    case 'logistic_regression':
      return logisticRegression(oneHot);
    case 'logistic_regression_svd':
      return logisticRegressionOnLatent(oneHot, rng.fork('svd'));
    case 'naive_bayes':
      return naiveBayes(oneHot);
    case 'centroid':
      return centroidBaseline(oneHot);
    case 'random':
      return randomBaseline();
  }
}

function tryBaseline(baseline: Baseline, trials: readonly Trial[], repeats: number, seed: number): TrialQuality[] {
  return trials.map((trial) => ({
    trial,
    repeats: Array.from({ length: repeats }, (_, repeat) => {
      const score = baseline.scorer(trial.seeds, createRng(`evaluate/${seed}/${repeat}/${trial.id}/${baseline.name}`));
      return measureRanking(trial.evaluation.users, score(trial.evaluation.users), trial.evaluation.labels, SHARES);
    }),
  }));
}
