/** Response schemas of the service's health. */
import { z } from 'zod';

export const liveness = z
  .object({ status: z.literal('alive') })
  .meta({ id: 'Liveness', examples: [{ status: 'alive' }] });

export const part = z.object({
  name: z.string().describe('Name of the part: `engine`, `store`, `model`, `population`, `disk` or `descriptors`.'),
  ready: z.boolean(),
  degraded: z.boolean().optional().describe('Whether the part does only some of its work, for a limited time.'),
  detail: z.string().describe('Result of the check.'),
});

export const readiness = z
  .object({
    status: z
      .enum(['ready', 'degraded'])
      .describe('`degraded` if a node of a cluster answers look-ups only, from memory, and refuses changes.'),
    parts: z.array(part).readonly().optional(),
    model_version: z.string().optional(),
    population_version: z.string().optional(),
  })
  .meta({
    id: 'Readiness',
    examples: [
      {
        status: 'ready',
        parts: [{ name: 'engine', ready: true, detail: 'running' }],
        model_version: '0123456789ab',
        population_version: 'ba9876543210',
      },
    ],
  });
