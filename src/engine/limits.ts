/** Limits of the engine. */
import { fixed } from '../lib/limits.ts';

export const ENGINE_LIMITS = {
  keptWorkMs: fixed(
    1_000,
    'ms',
    'Minimum work of a stopped expansion for which a checkpoint is saved; less is redone at the next start.',
  ),
};
