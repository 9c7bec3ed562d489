/** Limits for rankings in memory and for comparisons in explanations. */
import { fixed, setting } from '../lib/limits.ts';

export const RANKING_LIMITS = {
  openRankings: setting(
    1_024,
    'rankings',
    'Maximum number of rankings that stay open for look-ups. Each takes two file descriptors and 36 KiB. The limit ' +
      'should be at least the number of campaigns.',
    { most: 10_000, published: true },
  ),
  rankingMemoryBytes: setting(
    512 * 1024 * 1024,
    'bytes',
    'Maximum memory for the members of audiences that are looked up often. An audience takes 8 bytes per member and ' +
      '.27 bytes per user of the population. For example, 512 MiB is enough for about 800 audiences of 50,000 members ' +
      'from a million users.',
  ),
  minimumDisparityGroupUsers: fixed(
    100,
    'users',
    'Minimum number of users in the population for a group of a sensitive feature to be compared.',
  ),
  minimumDisparityPercent: fixed(
    80,
    'percent',
    'A sensitive feature gets a warning if its lowest selection rate is below this percentage of its highest ' +
      'selection rate (four-fifths rule).',
  ),
};
