/** The shapes of HTTP: answers (one schema each, also their serialiser) and what clients may send, with its limits. */

import { z } from 'zod';
import { EXPANSION_STATES } from '../campaigns/states.ts';
import { addFirstIssues, listField, objectField, textFault } from './bounded-fields.ts';
import { filtersField, labelsField, refreshChangeField, refreshField, refreshSchema } from './campaign-inputs.ts';
import { MAXIMUM_IDEMPOTENCY_KEY_LENGTH } from './campaigns/limits.ts';
import type { ServerConfig } from './config.ts';
import { pageCursor } from './http/paging.ts';
import { component } from './openapi/component.ts';
import { pageLimit } from './query-numbers.ts';
import { addIssue, type Wrong } from './validation.ts';

export const count = z.int().min(0);
const state = z.enum(EXPANSION_STATES).describe('State of the latest expansion.');
export const time = z.string().meta({ format: 'date-time', examples: ['2026-11-25T12:00:00.000Z'] });
export const share = z.number().gt(0).max(100).describe('Per cent of the population, seeds counted; rounded up.');
export const featureValue = z.union([z.string(), z.array(z.string()).readonly()]);

export const predicted = z
  .object({ mean: z.number(), low: z.number(), high: z.number() })
  .describe('An estimate and its 90 % interval, which holds the truth of members who are not seeds.');
const predictedByShare = z.record(z.string(), predicted);

/** Fields of the quality report that are promised; an expansion of an earlier version may lack some, one of a later version have more. */
export const qualitySchema = z
  .looseObject({
    epochs: count.optional().describe('Passes or steps of adaptation.'),
    held_out: z
      .looseObject({
        held_out_seeds: count,
        candidates: count,
        auc: z.number().describe('Chance that a held-out seed scores above a candidate.'),
        standard_error: z.number().describe('Of `auc`.'),
        recall: z.record(z.string(), z.number()).describe('Share of the held-out seeds in an audience, by its size.'),
      })
      .nullable()
      .optional()
      .describe('How seeds rank that were held out of adaptation; null where there were too few.'),
    prediction: z
      .looseObject({
        verdict: z
          .enum(['good', 'weak', 'unsure'])
          .describe('`weak`: the seeds look like everyone; `unsure`: they are too few to tell.'),
        reason: z.string().describe('The verdict in a sentence.'),
        auc: predicted.nullable(),
        recall: predictedByShare.describe(
          'Part of the members who are not seeds that an audience holds, by its size as a share of the candidates. Empty where nothing could be held out.',
        ),
        lift: predictedByShare.describe('Members in that audience, as a multiple of what an audience by lot has.'),
      })
      .nullable()
      .optional()
      .describe('What the audience is worth, predicted from the seeds alone.'),
  })
  .meta({ id: 'Quality' });

export const reasonSchema = z.looseObject({ code: z.string(), message: z.string() });

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
  .describe('Users that were not ranked, each counted once; null until they were counted.');

/** A campaign with the state of its latest expansion. */
export const campaignSchema = z
  .object({
    id: z.string(),
    external_id: z.string().nullable().describe("The caller's id of the campaign, if it gave one."),
    name: z.string(),
    labels: z.record(z.string(), z.string()),
    expansion_id: z.string().nullable().describe('The latest expansion; null before the first.'),
    state: state.nullable(),
    progress: z.number().min(0).max(1).describe('0 to 1, never falls.'),
    reason: reasonSchema.nullable().describe('Why, with its numbers.'),
    features: z.record(z.string(), featureValue),
    feature_counts: z.object({
      unknown: count.describe('Values that the model does not know.'),
      missing: count.describe('Features of the model that the campaign has no value for.'),
    }),
    filters: z.record(z.string(), z.array(z.string()).readonly()),
    audience: z.union([z.object({ size: count }), z.object({ percent: z.number() })]).describe('As asked for.'),
    refresh: refreshSchema,
    needs_expansion: z
      .boolean()
      .describe(
        'Features, filters, seeds or suppression are not those that the active audience was made with, and no expansion is at work with them.',
      ),
    seeds: seedCountsSchema,
    excluded: excludedSchema.nullable(),
    model_version: z.string().nullable(),
    population_version: z.string().nullable(),
    audience_version: count
      .nullable()
      .describe('The active audience version: the one that is served; null until the first is ready.'),
    size: count.nullable().describe('The real size of the audience, at most `candidates`.'),
    candidates: count.nullable().describe('Users that could be chosen: the population less `excluded`.'),
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

export const livenessSchema = z
  .object({ status: z.literal('alive') })
  .meta({ id: 'Liveness', examples: [{ status: 'alive' }] });

export const readinessSchema = z
  .object({
    status: z.literal('ready'),
    parts: z.array(z.object({ name: z.string(), ready: z.boolean(), detail: z.string() })),
    model_version: z.string(),
    population_version: z.string(),
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

/** An answer of text: streams and metrics are no JSON. */
export const textSchema = z.string();

export const campaignParams = z.strictObject({
  id: z.string().meta({
    ...component('CampaignId'),
    description: 'Id of a campaign.',
    examples: ['0193634e-5f6b-7cc4-a8cd-0a6d1a0d2f11'],
  }),
});

export function campaignQuery(config: ServerConfig) {
  return z.strictObject({
    limit: pageLimit(config.maximumCampaignPageSize, config.defaultCampaignPageSize).meta(component('PageLimit')),
    cursor: pageCursor,
    state: state.optional(),
    external_id: externalId(config.maximumExternalIdBytes)
      .optional()
      .describe('The campaign that has this external id: one, or none.'),
  });
}

/** A new campaign. */
export function campaignBody(config: ServerConfig) {
  return z
    .strictObject({
      external_id: externalId(config.maximumExternalIdBytes)
        .optional()
        .describe(
          'Your own id of the campaign; no two campaigns have the same. Where the model was trained on a past campaign of this id, who was ' +
            'a member of it is left out of what the model sees of users: it would find those members again instead of others like them.',
        ),
      name: z.string().min(1).max(config.maximumNameLength),
      features: featuresField(config).default({}),
      seeds: seedsField(config)
        .nullable()
        .describe(
          'User ids. `null` expands nothing yet: send them by `PUT …/seeds` (millions of them, as a file), then `POST …/expansions`.',
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

/** What is named is changed. */
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

/** Headers of a POST that may be sent again. */
export const idempotencyHeaders = z.looseObject({
  'idempotency-key': z
    .string()
    .min(1)
    .max(MAXIMUM_IDEMPOTENCY_KEY_LENGTH)
    .regex(/^[\x21-\x7e]+$/, 'visible ASCII is expected')
    .optional()
    .describe('One of yours a request: for 24 hours the same key and body get the same answer, and make nothing new.'),
});

/** Why a text is no id, or null: ids are text of 1 to `maximumBytes` bytes of UTF-8. */
export function wrongId(what: string, id: unknown, maximumBytes: number): Wrong | null {
  if (typeof id !== 'string') return { message: `${what} is a text` };
  if (id === '') return { message: `${what} has at least 1 byte`, limit: 1 };
  if (Buffer.byteLength(id) > maximumBytes) {
    return { message: `${what} has at most ${maximumBytes} bytes`, limit: maximumBytes };
  }
  return /\p{Surrogate}/u.test(id) ? { message: 'half of a surrogate pair is no text' } : null;
}

export function userId(maximumBytes: number) {
  return idText('a user id', maximumBytes).meta({
    description: `Id of a user, 1 to ${maximumBytes} bytes.`,
    minLength: 1,
    maxLength: maximumBytes,
    examples: ['u4711'],
  });
}

function externalId(maximumBytes: number) {
  return idText('an external id', maximumBytes).meta({ minLength: 1, maxLength: maximumBytes });
}

function idText(what: string, maximumBytes: number) {
  return z.string().superRefine((id, context) => {
    const wrong = wrongId(what, id, maximumBytes);
    if (wrong !== null) addIssue(context, [], wrong);
  });
}

export function seedsField(config: ServerConfig) {
  const description = `User ids. Fewer than ${config.minimumSeeds} known ones are accepted and end as \`too_small\`.`;
  return userIdList(config, description);
}

/** A list of user ids in JSON. */
export function userIdList(config: ServerConfig, description: string) {
  const { maximumUserIdBytes, maximumInlineSeeds, maximumErrorDetails } = config;
  const wrong = (id: unknown) => wrongId('a user id', id, maximumUserIdBytes);
  return listField('user ids', wrong, maximumInlineSeeds, maximumErrorDetails).meta({
    description,
    type: 'array',
    minItems: 1,
    maxItems: maximumInlineSeeds,
    items: { type: 'string', minLength: 1, maxLength: maximumUserIdBytes },
  });
}

export function featuresField(config: ServerConfig) {
  const { maximumCampaignFeatures, maximumFeatureValues, maximumFeatureValueLength, maximumErrorDetails } = config;
  const wrongText = textFault('a value', 0, maximumFeatureValueLength);
  const wrongValue = (value: unknown): Wrong | null => {
    if (!Array.isArray(value))
      return typeof value === 'string' ? wrongText(value) : { message: 'a text or a list of text is expected' };
    if (value.length > maximumFeatureValues) {
      return { message: `a feature has at most ${maximumFeatureValues} values`, limit: maximumFeatureValues };
    }
    return value.map(wrongText).find((problem) => problem !== null) ?? null;
  };
  return objectField<string | readonly string[]>('features', maximumCampaignFeatures)
    .superRefine((features, context) => {
      addFirstIssues(context, Object.entries(features), wrongValue, maximumErrorDetails);
    })
    .meta({
      description: 'Campaign features of the model by name; a list where the feature is multi-valued.',
      type: 'object',
      additionalProperties: {
        anyOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' }, maxItems: maximumFeatureValues }],
      },
    });
}
