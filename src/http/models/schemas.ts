/** The shapes of model versions, and of the check before one is served. */
import { z } from 'zod';
import { count, reasonSchema, time } from '../plugins/json/fields.ts';

export const modelParams = z.object({
  version: z
    .string()
    .regex(/^[0-9a-f]{12}$/, 'a version has 12 hexadecimal digits')
    .meta({ description: 'Version of a general model.', examples: ['0123456789ab'] }),
});

const quality = z
  .object({
    verdict: z.string().nullable(),
    auc: z.number().nullable(),
    recall_at_5_percent: z.number().nullable(),
  })
  .describe('What the model predicts of its audience, from held-out seeds; null where there were too few.');

const comparison = z.object({
  campaign_id: z.string(),
  seeds: count,
  scored: count.describe('Candidates that both models scored: a sample of a large population.'),
  overlap: z
    .record(z.string(), z.number())
    .describe("By audience size, as a share of the candidates: the part of one model's audience in the other's."),
  served: quality,
  fresh: quality,
});

const checkSchema = z.object({
  kind: z.enum(['activation', 'rollback']),
  state: z.enum(['checking', 'served', 'refused']).describe('`refused`: nothing has changed, `reason` says why.'),
  from_version: z.string().describe('The model that was served meanwhile.'),
  population_version: z.string(),
  started_at: time,
  ended_at: time.nullable(),
  reason: reasonSchema.nullable(),
  comparisons: z
    .array(comparison)
    .describe('The newest campaigns, expanded with both models; nothing of that is published.'),
});

const EXAMPLE = {
  version: '0123456789ab',
  name: 'demo',
  served: true,
  created_at: '2026-11-25T12:00:00.000Z',
  published_at: '2026-11-26T12:00:00.000Z',
  bytes: 1_468_006,
  check: {
    kind: 'activation' as const,
    state: 'served' as const,
    from_version: 'ba9876543210',
    population_version: 'ba9876543210',
    started_at: '2026-11-26T12:00:01.000Z',
    ended_at: '2026-11-26T12:00:04.000Z',
    reason: null,
    comparisons: [
      {
        campaign_id: 'c6b2a9f0-3d1e-4a57-9a0c-2f4a8f0b7c11',
        seeds: 120,
        scored: 49_880,
        overlap: { '0.01': 0.81, '0.05': 0.86, '0.1': 0.9 },
        served: { verdict: 'good', auc: 0.81, recall_at_5_percent: 0.31 },
        fresh: { verdict: 'good', auc: 0.82, recall_at_5_percent: 0.33 },
      },
    ],
  },
};

export const modelVersionSchema = z
  .object({
    version: z.string(),
    name: z.string(),
    served: z.boolean().describe('Whether new expansions use it.'),
    created_at: time.describe('When it was trained.'),
    published_at: time.describe('When its files were put into the data folder.'),
    bytes: count,
    check: checkSchema
      .nullable()
      .describe('The last check; null if there was none, or it was refused before the last restart.'),
  })
  .meta({ id: 'ModelVersion', examples: [EXAMPLE] });

export const modelVersionsSchema = z
  .object({ items: z.array(modelVersionSchema) })
  .meta({ id: 'ModelVersions', examples: [{ items: [EXAMPLE] }] });
