/** Campaigns: response and request schemas. */
import { z } from 'zod';
import { CAMPAIGN_SORTS } from '../../domain/campaign-query.ts';
import type { Campaign } from '../../domain/types.ts';
import type { ServerConfig } from '../config.ts';
import { expansionState, latestState, runFields } from '../expansions/expansion.ts';
import { bodyExample, component } from '../openapi/component.ts';
import { answerOf, pageOf } from '../plugins/json/answer.ts';
import { count, externalIdText, idText, instant, time } from '../plugins/json/fields.ts';
import { pageQuery } from '../plugins/paging.ts';
import { tagOf } from '../plugins/preconditions.ts';
import { consentBasis } from '../user-sets/user-set.ts';
import { cuts, cutsField } from './cuts.ts';
import {
  audienceField,
  audienceRequest,
  featuresField,
  filtersField,
  fourFifths,
  holdoutField,
  labelsField,
  negativeWeightField,
  optionalCategory,
  refresh,
  refreshChangeField,
  refreshField,
  seedsField,
} from './inputs.ts';

/** Numbers of unknown and missing features of a campaign. */
export const featureCounts = z.object({
  unknown: count.describe('Number of values that the model does not know.'),
  missing: count.describe('Number of model features for which no value was given.'),
});

/** A campaign with the state of its latest expansion. */
export const campaign = answerOf<Campaign>()(
  {
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
        negative_weight: 1,
        category: null,
        four_fifths: null,
        holdout_percent: 0,
        cuts: [],
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
  },
  {
    id: z.string(),
    external_id: externalIdText,
    name: z.string(),
    labels: z.record(z.string(), z.string()).describe('Your own labels for the campaign: text by key.'),
    expansion_id: z.string().nullable().describe('Id of the latest expansion; `null` before the first expansion.'),
    state: latestState,
    ...runFields,
    feature_counts: featureCounts,
    audience: audienceRequest,
    negative_weight: z.number().describe('Weight of an explicit negative; a sampled negative has weight 1.'),
    category: optionalCategory,
    four_fifths: fourFifths,
    holdout_percent: z.number().describe('Percentage of the audience that is held out; 0 for none.'),
    cuts,
    refresh,
    needs_expansion: z
      .boolean()
      .describe(
        'Whether features, filters, seeds, negatives or suppression lists have changed since the active audience was ' +
          'computed, and no running expansion uses the changed inputs.',
      ),
    audience_version: count
      .nullable()
      .describe('The active audience version, which is served; `null` until the first version is ready.'),
    size: count
      .nullable()
      .describe(
        'Actual number of users in the audience, including users who are held out; at most `candidates`. `null` without an audience.',
      ),
    candidates: count
      .nullable()
      .describe(
        'Number of users who can be selected: the population without the users in `excluded`; `null` without an audience.',
      ),
    created_at: time,
    updated_at: time,
  },
  { eta_seconds: ({ remainingMs }) => remainingMs, size: ({ audienceSize }) => audienceSize },
);

/**
 * The ETag of a campaign covers the fields that callers change. If the ETag covered progress, an edit during an
 * expansion would be refused although nobody else has edited the campaign.
 */
export function tagOfCampaign(shown: z.output<typeof campaign>): string {
  const { id, external_id: externalId, name, labels, features, filters, audience, refresh: policy } = shown;
  return tagOf([
    id,
    externalId,
    name,
    labels,
    features,
    filters,
    audience,
    shown.holdout_percent,
    shown.cuts,
    shown.negative_weight,
    shown.category,
    shown.four_fifths,
    policy,
  ]);
}

export const campaignPage = pageOf('CampaignPage', campaign);

export function campaignQuery(config: ServerConfig) {
  return pageQuery(config).extend({
    state: expansionState.optional().describe('Lists only campaigns whose latest expansion is in this state.'),
    sort: z
      .enum(CAMPAIGN_SORTS)
      .optional()
      .describe(
        'Sort order; a minus sign means descending. By default, the newest campaign comes first. `name` ignores the ' +
          'case of Latin letters. `state` is in alphabetical order, followed by campaigns that were never expanded. A ' +
          'cursor is valid only for the order in which it was returned.',
      ),
    created_from: instant.optional().describe('Lists only campaigns created at or after this time.'),
    created_to: instant.optional().describe('Lists only campaigns created before this time.'),
    updated_from: instant.optional().describe('Lists only campaigns whose `updated_at` is not before this time.'),
    updated_to: instant.optional().describe('Lists only campaigns whose `updated_at` is before this time.'),
    search: z
      .string()
      .min(1)
      .max(config.maximumNameLength)
      .optional()
      .describe(
        'Lists only campaigns whose name or external id contains this text, ignoring the case of Latin letters.',
      ),
    label: labelQuery(config),
    external_id: externalId(config).optional().describe('Lists only the campaign with this external id.'),
  });
}

const LABEL = /^[^=]+=/;

/**
 * The query parameter `label=team=growth`, which may be repeated. A single label arrives as a string instead of a list.
 */
function labelQuery({ maximumLabels }: ServerConfig) {
  const labels = z
    .array(z.string())
    .max(maximumLabels)
    .refine((texts) => texts.every((text) => LABEL.test(text)), 'a label must have the form `key=text`');
  return z
    .preprocess((given) => (typeof given === 'string' ? [given] : given), labels.optional())
    .transform((texts) => texts && Object.fromEntries(texts.map((text) => text.split(/=(.*)/s, 2) as [string, string])))
    .optional()
    .meta({
      description:
        'Lists only campaigns with this label, written as `key=text`. If the parameter is repeated, campaigns must ' +
        'have all of the labels.',
      examples: [['team=growth']],
    });
}

/** The request body that creates a campaign. */
export function campaignBody(config: ServerConfig) {
  return z
    .strictObject({
      external_id: externalId(config)
        .optional()
        .describe(
          'Your own id for the campaign, which must be unique. If the model was trained on a past campaign ' +
            'with this id, the past membership of users is hidden from the model, because otherwise the model ' +
            'would find the same users again instead of similar users.',
        ),
      name: name(config),
      features: featuresField(config).default({}),
      seeds: seedsField(config)
        .nullable()
        .describe(
          'Seeds: user ids, or objects with `user_id` and `weight`. If `null`, no expansion is started: upload the ' +
            'seeds with `PUT …/seeds` (as a file, which may contain millions of ids), then call ' +
            '`POST …/expansions`.',
        ),
      seeds_consent_basis: consentBasis.describe(
        'Legal basis for processing the seeds, like `consent_basis` of `PUT …/seeds`.',
      ),
      labels: labelsField(config).default({}),
      filters: filtersField(config).default({}),
      audience: audienceField(),
      negative_weight: negativeWeightField(config).default(1),
      category: optionalCategory.default(null),
      four_fifths: fourFifths.default(null),
      holdout_percent: holdoutField().default(0),
      cuts: cutsField(config).default([]),
      refresh: refreshField().default({ every: null, on_new_population: false, on_change: false }),
    })
    .meta({
      ...component('CampaignCreate'),
      ...bodyExample({
        external_id: 'shoes-2026-autumn',
        name: 'autumn shoes',
        features: { category: 'shoes' },
        seeds: ['u1', 'u2', 'u3'],
        audience: { percent: 5 },
      }),
    });
}

/** The request body that changes a campaign. Fields that are not given stay as they are. */
export function campaignChangeBody(config: ServerConfig) {
  return z
    .strictObject({
      external_id: externalId(config)
        .nullable()
        .describe('Your own id for the campaign, which must be unique; `null` removes it.'),
      name: name(config),
      labels: labelsField(config),
      features: featuresField(config),
      filters: filtersField(config),
      audience: audienceField(),
      negative_weight: negativeWeightField(config),
      category: optionalCategory,
      four_fifths: fourFifths,
      holdout_percent: holdoutField(),
      cuts: cutsField(config),
      refresh: refreshChangeField(),
    })
    .partial()
    .refine((change) => Object.keys(change).length > 0, 'at least one field is expected')
    .meta({ ...component('CampaignUpdate'), ...bodyExample({ audience: { size: 2000 } }) });
}

function name({ maximumNameLength }: ServerConfig) {
  return z.string().min(1).max(maximumNameLength);
}

function externalId({ maximumExternalIdBytes: most }: ServerConfig) {
  return idText('an external id', most).meta({ minLength: 1, maxLength: most });
}
