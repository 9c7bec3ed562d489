/** Limits of the engine. */
import { fixed, setting } from '../lib/limits.ts';

export const ENGINE_LIMITS = {
  userSideBytes: setting(
    8 * 2 ** 30,
    'bytes',
    'Maximum size of the stored user sides, which are the parts of scores that depend only on users, computed ' +
      'once per model and population version (8 GiB, enough for some 25 million users). 0 stores none: each ' +
      'expansion then computes them.',
    { least: 0, most: 2 ** 44 },
  ),
  rangeSegments: setting(
    16,
    'segments',
    'Number of segments of 65,536 users that an engine of a cluster scores at a time. Populations with more segments ' +
      'are divided into such ranges, which all engines score. Without a cluster, this setting has no effect.',
    { least: 1, most: 1_024 },
  ),
  rehearsedUsers: fixed(
    100_000,
    'users',
    'Minimum number of users of a population on which an engine rehearses a campaign after a start or a switch. With ' +
      'fewer users, the first campaign takes less than a second.',
  ),
  keptWorkMs: fixed(
    1_000,
    'ms',
    'Minimum work, in milliseconds, that a stopped expansion must have done to save a checkpoint; less work is redone.',
  ),
  userSides: fixed(
    1,
    'yes or no',
    'Whether scoring computes apart what users alone determine, and idle threads rank folds of held-out seeds; with 0, ' +
      'each campaign runs the whole graph and ranks its folds in one thread.',
  ),
};
