/** The logistic regression on the heads' inputs (tokens and latent vectors together), as a separate method. */

import { fitLogisticRegression } from '../../../packages/onnx-grad/index.ts';
import { assert } from '../../lib/errors.ts';
import type { Rng } from '../../lib/rng.ts';
import { HEADS } from '../../model/architectures/heads.ts';
import type { AdaptationSettings } from '../../model/manifest.ts';
import { denseDesign, joinDesigns, sparseDesign } from '../choices/design-rows.ts';
import { chooseSetting, type SettingChoice } from '../choices/tuning.ts';
import type { Futures } from '../history/futures.ts';
import type { OneHot } from '../history/one-hot.ts';
import { LATENT_SIZE } from '../settings.ts';
import type { TunableMethod } from './baselines.ts';
import { latentRows, linearScorer, sampleTask, tokenRows, tokenWeights } from './logistic-baselines.ts';

/** Inverse L2 strengths; a strength of 0 leaves the features out. */
export type LogisticSetting = { readonly wide: number; readonly query: number };

const GRID: readonly LogisticSetting[] = [
  { wide: 0.02, query: 0.03 },
  { wide: 0.05, query: 0.03 },
  { wide: 0.1, query: 0.03 },
  { wide: 0.02, query: 0 },
  { wide: 0.05, query: 0 },
  { wide: 0.1, query: 0 },
  { wide: 0.3, query: 0 },
  { wide: 1, query: 0 },
  { wide: 0, query: 0.03 },
];

/**
 * Returns `adaptation` with the strengths that perform best on train campaigns when its logistic regression is used
 * alone. The choice needs no general model, so it can use all train campaigns instead of the few that are held out.
 * Only parameters that already have a strength get a new one. `adaptation` is returned unchanged if it has no logistic
 * regression or is of a different kind.
 */
export function tuneLogisticRegression(
  futures: Futures,
  vectors: Float32Array | undefined,
  adaptation: AdaptationSettings,
  rng: Rng,
): { readonly adaptation: AdaptationSettings; readonly choice: SettingChoice<LogisticSetting> | null } {
  if (adaptation.optimiser !== 'gradient_descent' || !adaptation.companion || !vectors)
    return { adaptation, choice: null };
  const parameters = Object.keys(adaptation.companion.strengths);
  const choice = chooseSetting(
    (oneHot) => logisticRegressionMethod(oneHot, vectors, parameters),
    futures,
    rng,
    'evidence',
  );
  const { wide, query } = choice.setting;
  const strengths = { ...(wide > 0 ? { [HEADS.wide]: wide } : {}), ...(query > 0 ? { [HEADS.query]: query } : {}) };
  return { adaptation: { ...adaptation, companion: { ...adaptation.companion, strengths } }, choice };
}

/**
 * The logistic regression on the tokens of `oneHot` and on `vectors`, the latent vectors of these tokens (see
 * `latentStart`). The grid has only settings with strengths for `parameters`.
 */
export function logisticRegressionMethod(
  oneHot: OneHot,
  vectors: Float32Array,
  parameters: readonly string[],
): TunableMethod<LogisticSetting> {
  const grid = GRID.filter(
    ({ wide, query }) =>
      (wide === 0 || parameters.includes(HEADS.wide)) && (query === 0 || parameters.includes(HEADS.query)),
  );
  assert(grid.length > 0, `no logistic regression has strengths only for ${parameters.join(', ')}`);
  return {
    name: 'companion',
    grid,
    fallback: grid[0]!,
    *scorers(seeds, rng, settings, reach) {
      const { users, labels } = sampleTask(oneHot, seeds, rng, reach);
      const { rows, tokenOf } = tokenRows(oneHot, users);
      const tokens = sparseDesign(rows);
      const latent = denseDesign(latentRows(oneHot, vectors, users));
      for (const { wide, query } of settings) {
        const design = wide === 0 ? latent : query === 0 ? tokens : joinDesigns(tokens, latent);
        const strengths = new Float64Array(design.width).fill(query);
        if (wide > 0) strengths.fill(wide, 0, tokens.width);
        const { weights: fitted, bias } = fitLogisticRegression(design, labels, strengths, { gradientTolerance: 1e-3 });
        const own = query > 0 ? fitted.subarray(fitted.length - LATENT_SIZE) : new Float64Array(LATENT_SIZE);
        const weights = tokenWeights(vectors, own);
        if (wide > 0) for (let j = 0; j < tokenOf.length; j++) weights[tokenOf[j]!]! += fitted[j]!;
        yield linearScorer(oneHot, weights, bias);
      }
    },
  };
}
