/** Limits of population samples and of lists of known values. */
import { fixed } from '../../lib/limits.ts';

export const INFORMATION_LIMITS = {
  maximumValuePageSize: fixed(1_000, 'values', 'Maximum number of known values of a feature in one page.'),
  defaultValuePageSize: fixed(100, 'values', 'Number of known values of a feature in a page if no `limit` is given.'),
  maximumValueScan: fixed(
    50_000,
    'values',
    "Maximum number of known values that one search examines; the search's page may be short, and its cursor " +
      'continues the search.',
  ),
  maximumSampleSize: fixed(1_000, 'users', 'Maximum number of users in one sample of the population.'),
  defaultSampleSize: fixed(100, 'users', 'Number of users in a sample of the population if no `size` is given.'),
};
