/** Ablations. Each ablation leaves out a single element, either of training or only of the adaptation of the heads. */

import { HEADS, LATENT_TABLE } from '../../../src/model/architectures/heads.ts';
import type { DescentSettings } from '../../../src/model/manifest.ts';
import { DEFAULT_DESCENT } from '../../../src/training/choices/descent.ts';
import { DEFAULT_TRAIN_SETTINGS, type TrainSettings } from '../../../src/training/settings.ts';

export interface Ablation {
  /** The name of the ablation for `--only`. */
  readonly name: string;
  /** The title of the ablation in tables. */
  readonly title: string;
  /** The model that the ablation changes. The result is compared with this model. Default: the reference. */
  readonly of?: WholeName;
  /** Changes the training settings; null if the trained model is used unchanged. */
  readonly train: ((whole: TrainSettings) => TrainSettings) | null;
  /** Changes the adaptation settings. */
  readonly adapt?: (whole: DescentSettings) => DescentSettings;
  /** Whether to train without past campaigns. Data sets in which past campaigns are not a feature get no result. */
  readonly withoutPastCampaigns?: boolean;
}

/**
 * The default training without two steps that would blur an ablation or double the training time: the final training on
 * all campaigns, and the choices on held-out campaigns. Heads are adapted and blended as during the training of the
 * default model: with a logistic and a whole-population regression, both tuned on train campaigns and each weighted
 * half as much as the heads.
 */
export const REFERENCE_SETTINGS: TrainSettings = {
  ...DEFAULT_TRAIN_SETTINGS,
  retrain: false,
  chooseAdaptation: false,
};

/** The models that ablations start from. */
export type WholeName = 'reference' | 'default';
export const WHOLES: Readonly<Record<WholeName, TrainSettings>> = {
  reference: REFERENCE_SETTINGS,
  default: DEFAULT_TRAIN_SETTINGS,
};

export const ABLATIONS: readonly Ablation[] = [
  {
    name: 'no-meta-learning',
    title: 'meta-learning (pooled training instead)',
    train: (from) => ({ ...from, heads: { ...from.heads, innerSteps: 0 } }),
  },
  { name: 'no-past-campaigns', title: 'past campaigns', train: (from) => from, withoutPastCampaigns: true },
  {
    name: 'no-latent-term',
    title: 'the latent term',
    train(from) {
      const without = withoutHead(from, HEADS.query);
      return {
        ...without,
        frozen: [...without.frozen, LATENT_TABLE],
        heads: { ...without.heads, latentStart: 'zero' },
      };
    },
  },
  { name: 'no-wide-term', title: 'the wide term', train: (from) => withoutHead(from, HEADS.wide) },
  {
    name: 'no-experts',
    title: 'experts and critics (one of each)',
    train: (from) => ({ ...from, experts: 1, critics: 1 }),
  },
  { name: 'first-order', title: 'second order (first instead)', train: (from) => ({ ...from, firstOrder: true }) },
  {
    name: 'random-latent',
    title: 'the SVD (latent vectors start at random)',
    train: (from) => ({ ...from, heads: { ...from.heads, latentStart: 'random' } }),
  },
  {
    name: 'no-cut',
    title: 'the cut',
    of: 'default',
    train: null,
    adapt: (from) => ({ ...from, first_pass: null }),
  },
  {
    name: 'fixed-steps',
    title: 'steps that grow with the seeds',
    of: 'default',
    train: null,
    adapt: (from) => ({ ...from, steps: { ...from.steps, exponent: 0 } }),
  },
  {
    name: 'no-choice',
    title: 'the choice of rates, steps and cut',
    of: 'default',
    train: null,
    adapt: (from) => ({
      ...from,
      rates: DEFAULT_DESCENT.rates,
      steps: DEFAULT_DESCENT.steps,
      first_pass: DEFAULT_DESCENT.first_pass,
    }),
  },
  {
    name: 'no-last-training',
    title: 'the final training on all campaigns',
    of: 'default',
    train: (from) => ({ ...from, retrain: false }),
  },
];

/**
 * Removes a head: the head stays at zero in training and online, and the auxiliary logistic regression ignores the
 * head.
 */
function withoutHead(from: TrainSettings, head: string): TrainSettings {
  const adaptation = from.adaptation as DescentSettings;
  const { companion } = adaptation;
  return {
    ...from,
    frozen: [...from.frozen, head],
    heads: { ...from.heads, innerRates: omit(from.heads.innerRates, head) },
    adaptation: {
      ...adaptation,
      rates: omit(adaptation.rates, head),
      ...(companion ? { companion: { ...companion, strengths: omit(companion.strengths, head) } } : {}),
    },
  };
}

function omit(values: Readonly<Record<string, number>>, name: string): Record<string, number> {
  return Object.fromEntries(Object.entries(values).filter(([key]) => key !== name));
}
