/**
 * The methods that an evaluation compares: general models, adapted as they are when served, and baselines with settings
 * chosen on train campaigns.
 */

import type { Device } from '../../../packages/onnx-grad/index.ts';
import { AppError } from '../../lib/errors.ts';
import { createRng, type Rng } from '../../lib/rng.ts';
import type { GeneralModel } from '../../model/load.ts';
import { bind } from '../../online/binding.ts';
import {
  centroidBaseline,
  naiveBayes,
  randomBaseline,
  type Setting,
  scorerOf,
  type TunableMethod,
} from '../baselines/baselines.ts';
import { logisticRegression, logisticRegressionOnLatent } from '../baselines/logistic-baselines.ts';
import { populationRidge } from '../baselines/population-ridge.ts';
import { userKnn } from '../baselines/user-knn.ts';
import { openTrialModel, runTrial, runUnadaptedTrial, type Trial } from '../choices/trial.ts';
import { chooseSetting, type SettingChoice } from '../choices/tuning.ts';
import { openFutures } from '../history/futures.ts';
import type { OneHot } from '../history/one-hot.ts';
import type { PreparedDataSet } from '../history/prepared-data-set.ts';
import { CURVE_SHARES } from './curves.ts';
import { measureRanking, type RankingQuality } from './metrics.ts';
import type { TrialQuality } from './summary.ts';

/** Settings of an evaluation. Equal settings produce equal qualities. */
export interface MethodOptions {
  readonly repeats: number;
  readonly seed: number;
  readonly device: Device;
  /** Called when a repeat of a trial is done; only models call it, because they take most of the time. */
  readonly onDone?: () => void;
}

export interface MethodResult {
  /** Qualities in the order of the trials. */
  readonly qualities: readonly TrialQuality[];
  /** The chosen setting, for a method that has settings. */
  readonly choice?: SettingChoice;
}

export interface Method {
  readonly name: string;
  run(trials: readonly Trial[], options: MethodOptions): Promise<MethodResult>;
}

/** The method that is compared with all other methods. */
export const MAIN_METHOD = 'metaheac';

/** The name of `MAIN_METHOD`'s model without adaptation. */
const UNADAPTED = 'unadapted';

const OPEN_BASELINE = {
  logistic_regression: logisticRegression,
  logistic_regression_svd: (oneHot, rng) => logisticRegressionOnLatent(oneHot, rng.fork('svd')),
  population_ridge: populationRidge,
  naive_bayes: naiveBayes,
  centroid: centroidBaseline,
  user_knn: userKnn,
  random: randomBaseline,
} satisfies Readonly<Record<string, (oneHot: OneHot, rng: Rng) => TunableMethod>>;

export const BASELINES = Object.keys(OPEN_BASELINE) as (keyof typeof OPEN_BASELINE)[];

/**
 * Returns `model` as the method `metaheac`, and each model of `beside` as another method. Such a method is named after
 * the recipe in the model's manifest or, if there is no recipe or the name is taken, by the model's name and version.
 * With `withUnadapted`, each model is also returned as a method without adaptation. Errors: invalid_argument if two
 * models have the same name; invalid_model if the population lacks a feature that a model reads.
 */
export function modelMethods(
  prepared: PreparedDataSet,
  model: GeneralModel,
  beside: readonly GeneralModel[],
  withUnadapted = false,
): Method[] {
  const methods = [modelMethod(MAIN_METHOD, prepared, model)];
  if (withUnadapted) methods.push(modelMethod(UNADAPTED, prepared, model, false));
  const taken = new Set<string>([MAIN_METHOD, UNADAPTED, ...BASELINES]);
  for (const other of beside) {
    const recipe = other.manifest.training?.['recipe'];
    const name = typeof recipe === 'string' && recipe !== '' && !taken.has(recipe) ? recipe : labelOf(other);
    if (taken.has(name)) throw new AppError('invalid_argument', `the model ${name} appears twice`);
    taken.add(name);
    methods.push(modelMethod(name, prepared, other));
    if (withUnadapted) methods.push(modelMethod(`${name} ${UNADAPTED}`, prepared, other, false));
  }
  return methods;
}

/** Name and version. */
export function labelOf({ manifest }: GeneralModel): string {
  return `${manifest.name} ${manifest.version}`;
}

/**
 * A general model, adapted as when it is served, or not adapted if `isAdapted` is false (to show the gain from
 * adaptation). Errors: invalid_model if the population lacks a feature that the model reads.
 */
export function modelMethod(
  name: string,
  { population }: PreparedDataSet,
  model: GeneralModel,
  isAdapted = true,
): Method {
  // the check throws before anything is evaluated
  bind(model.folder, population);
  return {
    name,
    async run(trials, { repeats, seed, device, onDone }) {
      const opened = await openTrialModel(model, population, device, { withRegression: isAdapted });
      const { context, scorer } = opened;
      const qualities: TrialQuality[] = [];
      try {
        for (const trial of trials) {
          const measured: RankingQuality[] = [];
          for (let repeat = 0; repeat < repeats; repeat++) {
            const key = `evaluate/${seed}/${repeat}/${trial.id}`;
            measured.push(
              isAdapted
                ? await runTrial(context, scorer, trial, key, CURVE_SHARES)
                : (measured[0] ?? (await runUnadaptedTrial(context, scorer, trial, CURVE_SHARES))),
            );
            onDone?.();
          }
          qualities.push({ trial, repeats: measured });
        }
      } finally {
        await opened.close();
      }
      return { qualities };
    },
  };
}

/**
 * The baselines, which use the features of the prepared data set. They read complete lists of past campaigns, even
 * beyond the 256 entries that a model reads. `rng` is for the SVD and for choosing the campaigns on which settings are
 * tuned.
 */
export function baselineMethods(prepared: PreparedDataSet, rng: Rng): Method[] {
  const { dataSet, userFeatures } = prepared;
  const features = userFeatures.map(({ maxLength, ...feature }) =>
    dataSet.userFeatures.some(({ name }) => name === feature.name) && maxLength !== undefined
      ? { ...feature, maxLength }
      : feature,
  );
  const futures = openFutures(prepared, features);
  return BASELINES.map((name) => ({
    name,
    async run(trials, { repeats, seed }) {
      const open = (oneHot: OneHot): TunableMethod => OPEN_BASELINE[name](oneHot, rng);
      const method = open(futures.oneHot);
      const choice = method.grid.length > 0 ? chooseSetting(open, futures, rng.fork('choice')) : null;
      const qualities = tryBaseline(method, choice?.setting ?? method.fallback, trials, repeats, seed);
      return { qualities, ...(choice ? { choice } : {}) };
    },
  }));
}

function tryBaseline(
  method: TunableMethod,
  setting: Setting,
  trials: readonly Trial[],
  repeats: number,
  seed: number,
): TrialQuality[] {
  return trials.map((trial) => ({
    trial,
    repeats: Array.from({ length: repeats }, (_, repeat) => {
      const rng = createRng(`evaluate/${seed}/${repeat}/${trial.id}/${method.name}`);
      const score = scorerOf(method, setting, trial.seeds, rng);
      return measureRanking(
        trial.evaluation.users,
        score(trial.evaluation.users),
        trial.evaluation.labels,
        CURVE_SHARES,
      );
    }),
  }));
}
