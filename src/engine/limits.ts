/** Limits of the engine. */
import { fixed } from '../lib/limits.ts';

export const ENGINE_LIMITS = {
  keptWorkMs: fixed(
    1_000,
    'ms',
    'Minimum work, in milliseconds, that a stopped expansion must have done to save a checkpoint; less work is redone.',
  ),
};
