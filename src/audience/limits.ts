/** Limits of rankings in memory, and of what an explanation compares. */
import { fixed, setting } from '../lib/limits.ts';

export const RANKING_LIMITS = {
  openRankings: setting(
    1_024,
    'rankings',
    'Rankings kept open for look-ups (two descriptors and 36 KiB each); should be at least the number of ' +
      'campaigns.',
    { most: 10_000, published: true },
  ),
  rankingMemoryBytes: setting(
    512 * 1024 * 1024,
    'bytes',
    'Bytes of members that are kept in memory for audiences that are looked up often: 8 a member and .27 a user ' +
      'of the population, each (512 MiB: some 800 audiences of 50,000 of a million users).',
  ),
  minimumDisparityGroupUsers: fixed(
    100,
    'users',
    'Users in the population that a group of a sensitive feature needs to be compared.',
  ),
  minimumDisparityPercent: fixed(
    80,
    'percent',
    'Percentage of the highest selection rate below which the lowest gets a warning (the four-fifths rule).',
  ),
};
