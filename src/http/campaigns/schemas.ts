/** The shapes of campaigns: responses, and requests with their limits. */
import { z } from 'zod';
import { EXPANSION_STATES } from '../../domain/states.ts';
import type { ServerConfig } from '../config.ts';
import { excludedSchema, seedCountsSchema } from '../expansions/counts-schema.ts';
import { qualitySchema } from '../expansions/quality-schema.ts';
import { component } from '../openapi/component.ts';
import { count, featureValue, idText, reasonSchema, share, time } from '../plugins/json/fields.ts';
import { pageLimit } from '../plugins/json/query-numbers.ts';
import { pageCursor } from '../plugins/paging.ts';
import { featuresField, seedsField } from './fields.ts';
import { filtersField, filtersSchema, labelsField, refreshChangeField, refreshField, refreshSchema } from './inputs.ts';

const state = z.enum(EXPANSION_STATES).describe('State of the latest expansion.');

/** A campaign with the state of its latest expansion. */
export const campaignSchema = z
  .object({
    id: z.string(),
    external_id: z.string().nullable().describe("The caller's id of the campaign, if given."),
    name: z.string(),
    labels: z.record(z.string(), z.string()),
    expansion_id: z.string().nullable().describe('The latest expansion; null before the first.'),
    state: state.nullable(),
    progress: z.number().min(0).max(1).describe('0 to 1, never falls.'),
    eta_seconds: z
      .number()
      .nullable()
      .describe('Estimated time until the latest expansion ends; null if it has ended, or if there is no earlier one.'),
    reason: reasonSchema.nullable().describe('The reason for the state, with its numbers.'),
    features: z.record(z.string(), featureValue),
    feature_counts: z.object({
      unknown: count.describe('Values that the model does not know.'),
      missing: count.describe('Features of the model for which the campaign has no value.'),
    }),
    filters: filtersSchema,
    audience: z.union([z.object({ size: count }), z.object({ percent: z.number() })]).describe('As requested.'),
    refresh: refreshSchema,
    needs_expansion: z
      .boolean()
      .describe(
        'Features, filters, seeds or suppression differ from those of the active audience, and no expansion ' +
          'is running with them.',
      ),
    seeds: seedCountsSchema,
    excluded: excludedSchema.nullable(),
    model_version: z.string().nullable(),
    population_version: z.string().nullable(),
    audience_version: count
      .nullable()
      .describe('The active audience version, which is served; null until the first is ready.'),
    size: count.nullable().describe('The actual size of the audience, at most `candidates`.'),
    candidates: count.nullable().describe('Users that could be chosen: the population minus `excluded`.'),
    timings: z.record(z.string(), z.number()).describe('Seconds by stage.'),
    quality: qualitySchema.nullable().describe('The quality report of the expansion.'),
    created_at: time,
    updated_at: time,
  })
  .meta({
    id: 'Campaign',
    examples: [
      {
        id: '0193634e-5f6b-7cc4-a8cd-0a6d1a0d2f11',
        external_id: 'shoes-2026-autumn',
        name: 'autumn shoes',
        labels: { team: 'growth' },
        expansion_id: '5c3b1f0e-8a0c-4a58-9f0d-2f3f0c6c1a77',
        state: 'queued',
        progress: 0,
        eta_seconds: 4.2,
        reason: null,
        features: { category: 'shoes' },
        feature_counts: { unknown: 0, missing: 1 },
        filters: {},
        audience: { percent: 5 },
        refresh: { every: null, on_new_population: false, on_change: false },
        needs_expansion: false,
        seeds: { received: 120, known: 117, unknown: 2, duplicate: 1, unknown_examples: ['u-77', 'u-78'] },
        excluded: null,
        model_version: null,
        population_version: null,
        audience_version: null,
        size: null,
        candidates: null,
        timings: {},
        quality: null,
        created_at: '2026-11-25T12:00:00.000Z',
        updated_at: '2026-11-25T12:00:00.000Z',
      },
    ],
  });

export const campaignPageSchema = z
  .object({ items: z.array(campaignSchema), next_cursor: z.string().nullable() })
  .meta({ id: 'CampaignPage', description: 'Newest first.' });

export function campaignQuery(config: ServerConfig) {
  return z.strictObject({
    limit: pageLimit(config.maximumCampaignPageSize, config.defaultCampaignPageSize).meta(component('PageLimit')),
    cursor: pageCursor,
    state: state.optional(),
    search: z
      .string()
      .min(1)
      .max(config.maximumNameLength)
      .optional()
      .describe('Only campaigns with this text in their name or external id, whatever the case of Latin letters.'),
    label: labelQuery(config),
    external_id: externalId(config.maximumExternalIdBytes)
      .optional()
      .describe('Only the campaign with this external id: one, or none.'),
  });
}

const LABEL = /^[^=]+=/;

/** `label=team=growth`, once or more: one alone comes as a text. */
function labelQuery({ maximumLabels }: ServerConfig) {
  const labels = z
    .array(z.string())
    .max(maximumLabels)
    .refine((texts) => texts.every((text) => LABEL.test(text)), 'a label as `key=text` is expected');
  return z
    .preprocess((given) => (typeof given === 'string' ? [given] : given), labels.optional())
    .transform((texts) => texts && Object.fromEntries(texts.map((text) => text.split(/=(.*)/s, 2) as [string, string])))
    .optional()
    .meta({
      description: 'Only campaigns with this label, as `key=text`; repeated, with all of them.',
      examples: [['team=growth']],
    });
}

/** A new campaign. */
export function campaignBody(config: ServerConfig) {
  return z
    .strictObject({
      external_id: externalId(config.maximumExternalIdBytes)
        .optional()
        .describe(
          'Your own id of the campaign, which must be unique. If the model was trained on a past campaign ' +
            'with this id, the model does not see who was a member of it: it would otherwise find those ' +
            'members again instead of others like them.',
        ),
      name: z.string().min(1).max(config.maximumNameLength),
      features: featuresField(config).default({}),
      seeds: seedsField(config)
        .nullable()
        .describe(
          'User ids. With `null` nothing is expanded yet: upload them with `PUT …/seeds` (as a file, up to ' +
            'millions), then `POST …/expansions`.',
        ),
      labels: labelsField(config).default({}),
      filters: filtersField(config).default({}),
      audience: audienceField(),
      refresh: refreshField().default({ every: null, on_new_population: false, on_change: false }),
    })
    .meta({
      ...component('CampaignCreate'),
      examples: [
        {
          external_id: 'shoes-2026-autumn',
          name: 'autumn shoes',
          features: { category: 'shoes' },
          seeds: ['u1', 'u2', 'u3'],
          audience: { percent: 5 },
        },
      ],
    });
}

function audienceField() {
  return z
    .strictObject({
      size: z.int().min(1).optional().describe('Users; capped by the candidates.'),
      percent: share.optional(),
    })
    .refine(({ size, percent }) => (size === undefined) !== (percent === undefined), {
      message: 'either size or percent is expected',
    })
    .meta({ description: 'Either `size` or `percent`.', examples: [{ size: 1000 }] });
}

/** Only the named fields are changed. */
export function campaignChangeBody(config: ServerConfig) {
  return z
    .strictObject({
      external_id: externalId(config.maximumExternalIdBytes).nullable().optional(),
      name: z.string().min(1).max(config.maximumNameLength).optional(),
      labels: labelsField(config).optional(),
      features: featuresField(config).optional(),
      filters: filtersField(config).optional(),
      audience: audienceField().optional(),
      refresh: refreshChangeField().optional(),
    })
    .refine((change) => Object.keys(change).length > 0, 'at least one field is expected')
    .meta({ ...component('CampaignUpdate'), examples: [{ audience: { size: 2000 } }] });
}

function externalId(maximumBytes: number) {
  return idText('an external id', maximumBytes).meta({ minLength: 1, maxLength: maximumBytes });
}
