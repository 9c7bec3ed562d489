/** Limits of estimates. */
import type { LimitRows, LimitValues } from '../limit.ts';

export const ESTIMATE_LIMITS = {
  estimateTimeMs: {
    default: 900,
    unit: 'ms',
    published: true,
    description: 'Milliseconds that an estimate may take; whatever is not known by then is omitted.',
  },
  maximumEstimateSeeds: {
    default: 150,
    unit: 'seeds',
    description: 'Seeds that an estimate uses; if there are more, this many are sampled at random.',
  },
  maximumEstimateCandidates: {
    default: 3_000,
    unit: 'users',
    description: 'Random users that an estimate uses.',
  },
} as const satisfies LimitRows;

export type EstimateLimits = LimitValues<typeof ESTIMATE_LIMITS>;
