/** Limits of samples and of lists of known values. */
import { fixed } from '../../lib/limits.ts';

export const INFORMATION_LIMITS = {
  maximumValuePageSize: fixed(1_000, 'values', 'Known values of a feature in one page.'),
  defaultValuePageSize: fixed(100, 'values', 'Known values of a feature in a page if no `limit` is given.'),
  maximumValueScan: fixed(
    50_000,
    'values',
    'Known values that one search examines; its page may be short, and its cursor continues the search.',
  ),
  maximumSampleSize: fixed(1_000, 'users', 'Users in one sample of the population.'),
  defaultSampleSize: fixed(100, 'users', 'Users in a sample of the population if no `size` is given.'),
};
