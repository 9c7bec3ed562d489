/** Limits of estimates. */
import { fixed, setting } from '../../lib/limits.ts';

export const ESTIMATE_LIMITS = {
  estimateTimeMs: setting(
    900,
    'ms',
    'Milliseconds that an estimate may take; results that are not available by then are omitted.',
    { published: true },
  ),
  maximumEstimateSeeds: fixed(
    150,
    'seeds',
    'Maximum number of seeds that an estimate uses; if there are more seeds, this many are sampled at random.',
  ),
  maximumEstimateCandidates: fixed(3_000, 'users', 'Maximum number of random users that an estimate uses.'),
};
