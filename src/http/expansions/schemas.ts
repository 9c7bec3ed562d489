/** The shapes of expansions. */
import { z } from 'zod';
import { EXPANSION_STATES } from '../../domain/states.ts';
import { filtersSchema } from '../campaigns/inputs.ts';
import { campaignParams } from '../campaigns/params.ts';
import type { ServerConfig } from '../config.ts';
import { component } from '../openapi/component.ts';
import { count, featureValue, reasonSchema, time } from '../plugins/json/fields.ts';
import { pageLimit } from '../plugins/json/query-numbers.ts';
import { pageCursor } from '../plugins/paging.ts';
import { excludedSchema, seedCountsSchema } from './counts-schema.ts';
import { qualitySchema } from './quality-schema.ts';

export const expansionSchema = z
  .object({
    id: z.string(),
    campaign_id: z.string(),
    cause: z
      .enum(['created', 'requested', 'interval', 'population', 'change'])
      .describe('What caused it: the creation of the campaign, a call, or the refresh policy.'),
    state: z.enum(EXPANSION_STATES),
    progress: z.number().min(0).max(1).describe('0 to 1, never falls.'),
    eta_seconds: z
      .number()
      .nullable()
      .describe(
        'Estimated time until it ends, based on previous expansions; null if it has ended, or if there are ' +
          'none yet.',
      ),
    reason: reasonSchema.nullable().describe('The reason for the state, with its numbers.'),
    features: z.record(z.string(), featureValue),
    filters: filtersSchema,
    seeds: seedCountsSchema,
    feedback: z
      .object({ positives: count, dismissed: count })
      .describe('Users that feedback added to the seeds and to the negatives.'),
    excluded: excludedSchema.nullable(),
    model_version: z.string().nullable(),
    population_version: z.string().nullable(),
    audience_version: count.nullable().describe('The first audience version from it that is still kept.'),
    timings: z.record(z.string(), z.number()).describe('Seconds by stage.'),
    computed_with: z
      .object({
        device: z.string().describe('`cpu`, or `cuda:` and a number.'),
        threads: count.describe('Threads of the engine.'),
        batch_size: count.describe('Users scored by one run of the model.'),
      })
      .nullable()
      .describe('null until the expansion is ready, and for those of earlier versions.'),
    quality: qualitySchema.nullable(),
    created_at: time,
    started_at: time.nullable(),
    updated_at: time,
  })
  .meta({
    id: 'Expansion',
    examples: [
      {
        id: '5c3b1f0e-8a0c-4a58-9f0d-2f3f0c6c1a77',
        campaign_id: '0193634e-5f6b-7cc4-a8cd-0a6d1a0d2f11',
        cause: 'requested',
        state: 'scoring',
        progress: 0.7,
        eta_seconds: 1.2,
        reason: null,
        features: { category: 'shoes' },
        filters: { country: ['DE', 'AT'] },
        seeds: { received: 120, known: 117, unknown: 2, duplicate: 1, unknown_examples: ['u-77', 'u-78'] },
        feedback: { positives: 12, dismissed: 3 },
        excluded: null,
        model_version: '0123456789ab',
        population_version: 'ba9876543210',
        audience_version: null,
        timings: {},
        computed_with: null,
        quality: null,
        created_at: '2026-11-25T12:00:00.000Z',
        started_at: '2026-11-25T12:00:01.000Z',
        updated_at: '2026-11-25T12:00:03.000Z',
      },
    ],
  });

export const expansionPageSchema = z
  .object({ items: z.array(expansionSchema), next_cursor: z.string().nullable() })
  .meta({ id: 'ExpansionPage', description: 'Newest first.' });

export const expansionParams = z.strictObject({
  id: campaignParams.shape.id,
  expansion_id: z.string().meta({
    ...component('ExpansionId'),
    description: 'Id of an expansion.',
    examples: ['5c3b1f0e-8a0c-4a58-9f0d-2f3f0c6c1a77'],
  }),
});

/** Pages of anything that belongs to a campaign. */
export function listQuery(config: ServerConfig) {
  return z.strictObject({
    limit: pageLimit(config.maximumCampaignPageSize, config.defaultCampaignPageSize).meta(component('PageLimit')),
    cursor: pageCursor,
  });
}
