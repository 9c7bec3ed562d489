/** Limits of the engine. */
import { fixed } from '../lib/limits.ts';

export const ENGINE_LIMITS = {
  keptWorkMs: fixed(
    1_000,
    'ms',
    'Milliseconds of work from which a stopped expansion keeps a checkpoint; less is done again at the next start.',
  ),
};
