/** Limits of expansions. */
import type { LimitRows, LimitValues } from '../limit.ts';

export const EXPANSION_LIMITS = {
  minimumSeeds: {
    default: 10,
    unit: 'seeds',
    published: true,
    most: 1_000_000_000,
    description: 'Number of known seeds that an expansion needs; with fewer it ends as `too_small`.',
  },
  leaseMs: {
    default: 15_000,
    unit: 'ms',
    published: true,
    least: 1_000,
    most: 3_600_000,
    description: 'Milliseconds without a sign of life after which an expansion is restarted.',
  },
  maximumAttempts: {
    default: 5,
    unit: 'attempts',
    published: true,
    most: 100,
    description: 'Attempts at an expansion; after the last it is `failed`.',
  },
  keptWorkMs: {
    default: 1_000,
    unit: 'ms',
    most: 3_600_000,
    description:
      'Milliseconds of work from which an expansion that a stop cuts off goes on from there at the next start; less is done again.',
  },
} as const satisfies LimitRows;

export type ExpansionLimits = LimitValues<typeof EXPANSION_LIMITS>;
