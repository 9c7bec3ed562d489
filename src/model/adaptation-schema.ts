/** The schema of `adaptation` in a model's manifest: the settings for adapting the model. */
import { z } from 'zod';

const earlyStopping = z
  .strictObject({
    /**
     * Share of the seeds in a fold. Each fold is held out once, and all held-out seeds together determine the number of
     * epochs.
     */
    held_out_share: z.number().gt(0).max(0.5),
    /**
     * With fewer seeds than this, no seeds are held out: the default number of epochs is used, and there is no quality
     * report.
     */
    minimum_held_out: z.number().int().min(1),
  })
  .nullable();

/** Epochs of Adam over the seeds and sampled negatives, as in the MetaHeac paper. */
export const adamAdaptation = z.strictObject({
  optimiser: z.literal('adam'),
  rate: z.number().positive(),
  epochs: z.number().int().min(1).max(1000),
  batch: z.number().int().min(1).max(65_536),
  negatives_per_seed: z.number().positive().max(1000),
  /** Whether every epoch samples new negatives. */
  resample_negatives: z.boolean(),
  early_stopping: earlyStopping,
});

/** Maximum number of regressions of each kind in a stack, and maximum number of priors. */
const MOST_PARTS = 64;
const MOST_PRIORS = 8;

/**
 * `prior`: the variance along the directions of past campaigns' weights, relative to the total variance of all other
 * directions.
 */
const regressionForm = {
  strength: z.number().positive(),
  power: z.number().min(0).max(1),
  prior: z.number().positive().max(1000).optional(),
};
const share = { few: z.number().nonnegative().max(1000), many: z.number().nonnegative().max(1000) };

/**
 * Full-batch steps of gradient descent on a few parameters; the part of the graph before these parameters is computed
 * once per user.
 */
export const descentAdaptation = z.strictObject({
  optimiser: z.literal('gradient_descent'),
  /** The parameters that change, each with its learning rate. */
  rates: z.record(z.string(), z.number().positive()),
  /** Number of steps for n seeds: at_50_seeds * (n / 50) ^ exponent, rounded and limited to 1..maximum. */
  steps: z.strictObject({
    at_50_seeds: z.number().positive(),
    exponent: z.number().min(0).max(2),
    maximum: z.number().int().min(1).max(1000),
  }),
  /** Number of negatives per seed; new negatives are sampled for every step. */
  negatives_per_seed: z.number().positive().max(1000),
  /**
   * A first pass finds likely hidden members among the candidates. The highest-scoring candidates (the share `cut` of
   * all candidates) are excluded from the negatives of the second pass, which starts again from the general model.
   */
  first_pass: z.strictObject({ steps: z.number().int().min(1).max(1000), cut: z.number().gt(0).max(0.5) }).nullable(),
  /**
   * A logistic regression that is fitted to the seeds alone, on the features that the named parameters multiply, and
   * added to the logit. `strengths` has the inverse L2 strength for each parameter. `weight` is the spread of the
   * regression's logits, relative to the spread of the model's own logits. Only allowed if the parameters only shift
   * logits.
   */
  companion: z
    .strictObject({ strengths: z.record(z.string(), z.number().positive()), weight: z.number().positive().max(10) })
    .optional(),
  /**
   * The whole-population regression on the features that `parameter` multiplies, added to the logit with a `weight`
   * that is defined as for the logistic regression. `strength` is the ridge penalty at 50 seeds, relative to the sum of
   * the variances. Columns are scaled by their frequency to the power of -`power`. `parameter` has no learning rate.
   */
  regression: z
    .strictObject({
      parameter: z.string(),
      strength: z.number().positive(),
      power: z.number().min(0).max(1),
      weight: z.number().positive().max(10),
    })
    .optional(),
  /**
   * Replaces `companion` and `regression` with several regressions of each kind. The model's own logits and each
   * regression are standardised and have weights: `few` with 10 seeds or fewer, `many` with 250 or more. `parameter` is
   * the parameter that the whole-population regressions set.
   */
  stack: z
    .strictObject({
      parameter: z.string(),
      heads: z.strictObject(share),
      companions: z
        .array(z.strictObject({ strengths: z.record(z.string(), z.number().positive()), ...share }))
        .max(MOST_PARTS),
      regressions: z.array(z.strictObject({ ...regressionForm, ...share })).max(MOST_PARTS),
    })
    .optional(),
  /**
   * The priors in `prior.f32`, one per power. A regression with a `prior` is shrunk less along the directions of the
   * prior with the same power.
   */
  priors: z
    .array(z.strictObject({ power: z.number().min(0).max(1), rank: z.number().int().min(1).max(512) }))
    .max(MOST_PRIORS)
    .optional(),
  /**
   * A one-element parameter that multiplies all logits and compensates for the spread that the two regressions add. It
   * has no learning rate.
   */
  scale: z.string().optional(),
});
