/** Limits of the engine. */
import { fixed, setting } from '../lib/limits.ts';

export const ENGINE_LIMITS = {
  userSideBytes: setting(
    8 * 2 ** 30,
    'bytes',
    'Maximum size of the stored user sides: what users alone determine of their scores, computed once per model and ' +
      'population version (8 GiB, some 25 million users). 0 stores none: each expansion then computes them.',
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
    'Whether scoring computes apart what users alone determine; 0 runs the whole graph for each campaign.',
  ),
};
