/** manifest.json of a model folder: the contract between a model's trainer and the service, checked by zod. */

import { z } from 'zod';
import type { FeatureKind } from '../lib/feature-kinds.ts';
import { adamAdaptation, descentAdaptation } from './adaptation-schema.ts';
import { featureSchema } from './feature-schemas.ts';

/** Version of the folder's contract. Folders with a newer contract are rejected. */
export const CONTRACT_VERSION = 1;

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const count = z.number().int().nonnegative();

const interval = z.strictObject({ mean: z.number(), low: z.number(), high: z.number() });

const adaptation = z.discriminatedUnion('optimiser', [adamAdaptation, descentAdaptation]);

/**
 * Members' scores are separated from those of random users by some distance (in logits). For members who join later,
 * only a share of this separation remains.
 */
const driftMeasure = z.strictObject({
  /** Mean share of the separation that remains; 1 means that there is no drift. */
  kept: z.number().positive().max(2),
  /** Standard deviation of the remaining share across campaigns, relative to the mean share. */
  spread: z.number().nonnegative().max(2),
  /** A 90 % interval extends this many standard deviations to each side; 1.645 for a normal distribution. */
  quantile: z.number().positive().max(10),
});

/** Drift by the number of seeds, measured on past campaigns whose earliest members served as seeds. */
const drift = z.strictObject({
  data: z.string(),
  /** Number of train campaigns on which drift was measured. The model had not seen these campaigns. */
  campaigns: z.number().int().min(1),
  /** Times at which the first and the last members of these campaigns joined, in ISO 8601. */
  from: z.string(),
  until: z.string(),
  /** Ascending. */
  by_seeds: z
    .array(z.strictObject({ seeds: z.number().positive(), campaigns: count, recall: driftMeasure, auc: driftMeasure }))
    .min(1),
});

/** Metrics of one method on one group of campaigns. */
export const evaluationGroup = z.strictObject({
  campaigns: count,
  auc: interval,
  precision: z.record(z.string(), interval),
  recall: z.record(z.string(), interval),
  lift: z.record(z.string(), interval),
});

/** Ids or numbers. null stands for NaN, which JSON cannot express. */
const goldenTensor = z.strictObject({ shape: z.array(count), data: z.array(z.number().nullable()) });

export const manifestSchema = z.strictObject({
  contract_version: z.literal(CONTRACT_VERSION),
  name: z.string().min(1).max(128),
  /** First 12 hex digits of the sha256 of everything else in the folder. */
  version: z.string().regex(/^[0-9a-f]{12}$/),
  created: z.iso.datetime(),
  /** The sha256 of each file, by path inside the folder. */
  files: z.record(z.string(), sha256),
  features: z.strictObject({ user: z.array(featureSchema).min(1), campaign: z.array(featureSchema) }),
  /** The meaning of inputs of model.onnx that are not named after their feature: see `InputNames`. */
  inputs: z.record(z.string(), z.union([z.string(), z.array(z.string()).min(1)])).optional(),
  /**
   * Initializers of model.onnx that are copies of another initializer; only the original is a parameter of the model.
   */
  tied: z
    .array(z.strictObject({ parameter: z.string(), as: z.string(), transposed: z.boolean() }))
    .min(1)
    .optional(),
  /** Tables whose row 0 is 0 and stays 0, as with PyTorch's padding_idx. */
  padded: z.array(z.string()).min(1).optional(),
  /** Initializers that adaptation changes: a list of names, or all float initializers with a gradient. */
  adapted_parameters: z.union([z.literal('all'), z.array(z.string()).min(1)]),
  adaptation,
  /** The model's metrics on campaigns that it was not trained on, by group; null if not measured. */
  evaluation: z
    .strictObject({ data: z.string(), campaigns: z.string(), groups: z.record(z.string(), evaluationGroup) })
    .nullable(),
  /** How much less later members resemble the seeds. Absent if not measured; the service then assumes no drift. */
  drift: drift.optional(),
  /** Details of the training, for readers. */
  training: z.record(z.string(), z.unknown()).nullable(),
  /** Inputs of the golden batch and the scores that they must produce. */
  golden_batch: z.strictObject({ inputs: z.record(z.string(), goldenTensor), scores: z.array(z.number()).min(1) }),
});

export type Manifest = z.infer<typeof manifestSchema>;
export type ManifestFeature = Manifest['features']['user'][number];

/** The properties of a feature that a population or a graph needs. */
export function featureOf(feature: ManifestFeature): {
  readonly name: string;
  readonly kind: FeatureKind;
  readonly maxLength?: number;
  readonly size?: number;
} {
  const { name, kind } = feature;
  if ('max_length' in feature) return { name, kind, maxLength: feature.max_length };
  return 'size' in feature ? { name, kind, size: feature.size } : { name, kind };
}

/** The number of ids of a feature, which are its tokens and id 0; 0 for a feature without tokens. */
export function vocabularySizeOf(feature: ManifestFeature): number {
  return 'vocabulary_size' in feature ? feature.vocabulary_size : 0;
}

export type Drift = z.infer<typeof drift>;
export type DriftMeasure = z.infer<typeof driftMeasure>;
export type AdaptationSettings = Manifest['adaptation'];
export type AdamSettings = z.infer<typeof adamAdaptation>;
export type DescentSettings = z.infer<typeof descentAdaptation>;
/** The code uses descriptive names for the two regressions; manifest.json calls them `companion` and `regression`. */
export type LogisticRegressionSettings = NonNullable<DescentSettings['companion']>;
export type PopulationRegressionSettings = Omit<
  NonNullable<DescentSettings['stack']>['regressions'][number],
  'few' | 'many'
>;

/** Describes a feature, such as `interests: multi, at most 12 tokens, 40 tokens known`. */
export function describeFeature(feature: ManifestFeature): string {
  const { name, kind } = feature;
  const parts = [
    'size' in feature ? `${kind} of ${feature.size}` : kind,
    ...('max_length' in feature ? [`at most ${feature.max_length} tokens`] : []),
    ...('vocabulary_size' in feature ? [`${feature.vocabulary_size - 1} tokens known`] : []),
    ...('edges' in feature && feature.edges ? [`${feature.edges.length + 1} bands`] : []),
  ];
  return `${name}: ${parts.join(', ')}`;
}

/** The parameters that shift the logits: the parameters of gradient descent and of the whole-population regression. */
export function linearParameters(settings: DescentSettings): string[] {
  const fitted = regressionParameter(settings);
  return [...Object.keys(settings.rates), ...(fitted === null ? [] : [fitted])];
}

/** The parameter of the whole-population regressions; null if there are no such regressions. */
export function regressionParameter({ stack, regression }: DescentSettings): string | null {
  if (stack) return stack.regressions.length > 0 ? stack.parameter : null;
  return regression?.parameter ?? null;
}

/** All parameters that adaptation changes. */
export function parametersOf(settings: DescentSettings): string[] {
  return [...linearParameters(settings), ...(settings.scale === undefined ? [] : [settings.scale])];
}

/**
 * The default adaptation of a model: up to five epochs of Adam with a learning rate of .003, and ten negatives per
 * seed, resampled each epoch. Held-out seeds determine the number of epochs. With few seeds, the MetaHeac paper's two
 * epochs at .001 hardly change a model.
 */
export const DEFAULT_ADAPTATION: AdamSettings = {
  optimiser: 'adam',
  rate: 0.003,
  epochs: 5,
  batch: 512,
  negatives_per_seed: 10,
  resample_negatives: true,
  early_stopping: { held_out_share: 0.2, minimum_held_out: 10 },
};

export type EvaluationGroup = z.infer<typeof evaluationGroup>;
