/** The shapes of counts of seeds and of users who are not ranked. */
import { z } from 'zod';
import { count } from '../plugins/json/fields.ts';

export const seedCountsSchema = z
  .object({
    received: count,
    known: count,
    unknown: count,
    duplicate: count,
    unknown_examples: z.array(z.string()).readonly(),
  })
  .describe('received = known + unknown + duplicate.');

export const excludedSchema = z
  .object({ seeds: count, suppressed: count, filtered: count })
  .describe('Users that are not ranked, each counted once; null until they were counted.');
