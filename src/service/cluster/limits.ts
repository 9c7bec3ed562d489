/** Limits of the processes of a cluster. */
import { fixed, setting } from '../../lib/limits.ts';

export const CLUSTER_LIMITS = {
  mirrorBytes: setting(
    20 * 1024 ** 3,
    'bytes',
    'Maximum size of the segments of a population on a machine of a cluster; tables of ids and values are always kept. ' +
      'Segments that were not read for the longest time are removed first, and fetched again when they are needed.',
    { most: 2 ** 50 },
  ),
  engineDrainMs: fixed(
    20_000,
    'ms',
    'How long an engine of a cluster that was told to stop goes on with the expansions that it runs. Then it saves ' +
      'checkpoints, and other engines continue.',
  ),
};
