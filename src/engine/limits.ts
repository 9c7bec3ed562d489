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
  keptWorkMs: fixed(
    1_000,
    'ms',
    'Minimum work, in milliseconds, that a stopped expansion must have done to save a checkpoint; less work is redone.',
  ),
  userSides: fixed(
    1,
    'yes or no',
    'Whether the parts of scores that depend only on users are computed separately; 0 runs the whole graph for ' +
      'each campaign.',
  ),
};
