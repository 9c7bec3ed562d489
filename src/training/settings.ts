/** Settings of meta-training and their defaults, including how the trained model will be adapted. */

import { HEADS } from '../model/architectures/heads.ts';
import { type AdaptationSettings, DEFAULT_ADAPTATION } from '../model/manifest.ts';
import { DEFAULT_DESCENT } from './choices/descent.ts';

export type RecipeName = 'meta-heads' | 'published';

/** Settings that only the recipe `meta-heads` has. */
export interface HeadsSettings {
  /**
   * Number of inner steps of meta-training. `innerRates` contains the rate of each parameter that the inner steps
   * change. The bias is adapted only online.
   */
  readonly innerSteps: number;
  readonly innerRates: Readonly<Record<string, number>>;
  /** How the latent vectors are initialised. */
  readonly latentStart: 'svd';
}

export interface TrainSettings {
  readonly recipe: RecipeName;
  readonly name: string;
  /** Campaigns per meta-step. */
  readonly taskCount: number;
  readonly experts: number;
  readonly critics: number;
  /** Number of rows in each batch, support or query. */
  readonly batchSize: number;
  readonly seed: number;
  /** k. */
  readonly embedding: number;
  /** alpha, the learning rate of the inner step. */
  readonly innerRate: number;
  /** Adam's learning rate in the outer step. */
  readonly outerRate: number;
  readonly steps: number;
  readonly firstOrder: boolean;
  /** Share of the train campaigns that are held out to choose the best step. */
  readonly validationShare: number;
  /**
   * Number of steps between two validations. There are additional validations among the first steps (see
   * `isValidated`).
   */
  readonly validationEvery: number;
  /** Training ends if the best validation was this many steps ago. */
  readonly patience: number;
  /**
   * Whether training continues on all train campaigns. From the best step, the number of additional steps is
   * proportional to the number of held-out campaigns.
   */
  readonly retrain: boolean;
  /**
   * The final phase starts from the initial model if that takes at most this many steps; otherwise it continues from
   * the best step.
   */
  readonly restartSteps: number;
  /**
   * Whether held-out campaigns determine how heads are adapted. If not, `adaptation` is used, except for the strengths
   * of a logistic regression.
   */
  readonly chooseAdaptation: boolean;
  /** Parameters that training does not change. */
  readonly frozen: readonly string[];
  readonly adaptation: AdaptationSettings;
  readonly heads: HeadsSettings;
}

/**
 * Settings of the MetaHeac paper: sizes and rates from the published code, and the embedding size of 16 from the paper.
 */
export const PUBLISHED_TRAIN_SETTINGS: TrainSettings = {
  recipe: 'published',
  name: 'metaheac',
  taskCount: 5,
  experts: 8,
  critics: 5,
  batchSize: 512,
  seed: 2020,
  embedding: 16,
  innerRate: 0.0002,
  outerRate: 0.001,
  steps: 600,
  firstOrder: false,
  validationShare: 0.1,
  validationEvery: 50,
  patience: 300,
  retrain: false,
  restartSteps: 200,
  chooseAdaptation: true,
  frozen: [],
  adaptation: DEFAULT_ADAPTATION,
  heads: {
    innerSteps: 10,
    innerRates: { [HEADS.wide]: 0.5, [HEADS.query]: 0.5 },
    latentStart: 'svd',
  },
};

/**
 * Settings of the recipe `meta-heads`. Held-out campaigns determine the best of up to `steps` steps and how the heads
 * are adapted.
 */
export const DEFAULT_TRAIN_SETTINGS: TrainSettings = {
  ...PUBLISHED_TRAIN_SETTINGS,
  recipe: 'meta-heads',
  taskCount: 4,
  steps: 400,
  validationShare: 0.2,
  patience: 150,
  retrain: true,
  // these parameters hold the values of one campaign at a time and are not learned
  frozen: [HEADS.regression, HEADS.scale],
  adaptation: DEFAULT_DESCENT,
};

/** Dimensions of the latent vectors. */
export const LATENT_SIZE = 32;
/** Hidden layers of an expert. */
export const HIDDEN: readonly [number, number] = [64, 64];
/** Numbers of seeds for simulated campaigns at validation; each campaign is evaluated with each number of seeds. */
export const VALIDATION_SEEDS: readonly number[] = [50, 200];
/** Maximum number of campaigns in one validation. */
export const VALIDATION_CAMPAIGNS = 20;

/** Number of campaigns on which training chooses how heads are adapted. */
export const CHOICE_CAMPAIGNS = 24;
/** Number of train campaigns on which the adaptation is chosen before training. */
export const START_CAMPAIGNS = 16;
export const CHOICE_SEEDS: readonly number[] = [10, 50, 200];

/**
 * Number of passes over the campaigns after which training ends if nothing can be held out. Without held-out campaigns,
 * overfitting cannot be detected.
 */
export const PASSES_UNSEEN = 20;

/** Steps of early validations. With few campaigns, a model soon overfits, so the best step is among the first steps. */
const EARLY_VALIDATIONS: readonly number[] = [10, 25];

/** Whether the model is validated after `step` steps. */
export function isValidated(step: number, { steps, validationEvery }: TrainSettings): boolean {
  return step === steps || step % validationEvery === 0 || EARLY_VALIDATIONS.includes(step);
}
