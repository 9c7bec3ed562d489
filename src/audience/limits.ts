/** Limits of rankings kept in memory and of the comparisons in explanations. */
import { fixed, setting } from '../lib/limits.ts';

export const RANKING_LIMITS = {
  openRankings: setting(
    1_024,
    'rankings',
    'Maximum number of rankings kept open for look-ups (two descriptors and 36 KiB each); should be at least ' +
      'the number of campaigns.',
    { most: 10_000, published: true },
  ),
  rankingMemoryBytes: setting(
    512 * 1024 * 1024,
    'bytes',
    'Bytes of memory for the members of audiences that are looked up often. An audience takes 8 per member and ' +
      '.27 per user of the population (512 MiB: some 800 audiences of 50,000 members from a million users).',
  ),
  minimumDisparityGroupUsers: fixed(
    100,
    'users',
    'Minimum number of users in the population for a group of a sensitive feature to be compared.',
  ),
  minimumDisparityPercent: fixed(
    80,
    'percent',
    'Percentage of the highest selection rate below which the lowest gets a warning (the four-fifths rule).',
  ),
};
