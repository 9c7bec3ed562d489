/** Limits of the engine. */
import { fixed } from '../lib/limits.ts';

export const ENGINE_LIMITS = {
  keptWorkMs: fixed(
    1_000,
    'ms',
    'Milliseconds of work from which an expansion that a stop cuts off goes on from there at the next start; ' +
      'less is done again.',
  ),
};
