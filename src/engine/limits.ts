/** Limits of the engine. */
import { fixed } from '../lib/limits.ts';

export const ENGINE_LIMITS = {
  keptWorkMs: fixed(
    1_000,
    'ms',
    'Minimum work, in milliseconds, for which a stopped expansion saves a checkpoint; shorter work is redone.',
  ),
};
