/** Default settings for adapting the heads. */

import { HEADS } from '../../model/architectures/heads.ts';
import type { DescentSettings } from '../../model/manifest.ts';

/** The default settings, which apply until training chooses settings for the data set. */
export const DEFAULT_DESCENT: DescentSettings = {
  optimiser: 'gradient_descent',
  rates: { [HEADS.wide]: 1, [HEADS.query]: 0.25, [HEADS.bias]: 6.25 },
  steps: { at_50_seeds: 20, exponent: 0.5, maximum: 200 },
  negatives_per_seed: 10,
  first_pass: { steps: 10, cut: 0.05 },
  companion: { strengths: { [HEADS.wide]: 0.02, [HEADS.query]: 0.03 }, weight: 0.5 },
  regression: { parameter: HEADS.regression, strength: 0.05, power: 0.25, weight: 0.5 },
  scale: HEADS.scale,
};
