/** Limits of estimates. */
import type { LimitRows, LimitValues } from '../limit.ts';

export const ESTIMATE_LIMITS = {
  estimateTimeMs: {
    default: 900,
    unit: 'ms',
    published: true,
    description: 'Milliseconds that an estimate may take; what is not known by then is left out.',
  },
  maximumEstimateSeeds: {
    default: 150,
    unit: 'seeds',
    description: 'Seeds that an estimate looks at; of more, as many are drawn at random.',
  },
  maximumEstimateCandidates: {
    default: 3_000,
    unit: 'users',
    description: 'Random users that an estimate looks at.',
  },
} as const satisfies LimitRows;

export type EstimateLimits = LimitValues<typeof ESTIMATE_LIMITS>;
