/** Limits of lists of known values. */
import type { LimitRows, LimitValues } from '../limit.ts';

export const INFORMATION_LIMITS = {
  maximumValuePageSize: {
    default: 1_000,
    unit: 'values',
    description: 'Known values of a feature in one page.',
  },
  defaultValuePageSize: {
    default: 100,
    unit: 'values',
    description: 'Known values of a feature in a page if no `limit` is given.',
  },
  maximumValueScan: {
    default: 50_000,
    unit: 'values',
    description: 'Known values that one search examines; its page may be short, and the cursor continues.',
  },
  maximumSampleSize: {
    default: 1_000,
    unit: 'users',
    description: 'Users of the population in one sample.',
  },
  defaultSampleSize: {
    default: 100,
    unit: 'users',
    description: 'Users of the population in a sample if no `size` is given.',
  },
} as const satisfies LimitRows;

export type InformationLimits = LimitValues<typeof INFORMATION_LIMITS>;
