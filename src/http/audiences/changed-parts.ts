/** The schema of what differs between two audience versions. */
import { z } from 'zod';
import { VERSION_PARTS } from '../../domain/changes.ts';

export const changedParts = z
  .array(z.enum(VERSION_PARTS))
  .readonly()
  .describe(
    'What differs from the version that was active before: inputs of the ranking (`common_suppression` is the global ' +
      'suppression list), the size, the hold-out, the cuts. `null` if no version was active before, or if the campaign ' +
      'was deleted.',
  );
