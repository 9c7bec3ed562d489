/** The shapes of expansions, of what is predicted of them, of changes and of feedback. */

import { z } from 'zod';
import { EXPANSION_STATES } from '../campaigns/states.ts';
import { listOf } from './bounded-fields.ts';
import type { ServerConfig } from './config.ts';
import { pageCursor } from './http/paging.ts';
import { component } from './openapi/component.ts';
import { pageLimit, versionNumber } from './query-numbers.ts';
import {
  campaignParams,
  count,
  excludedSchema,
  featureValue,
  predicted,
  qualitySchema,
  reasonSchema,
  seedCountsSchema,
  time,
  userId,
} from './schemas.ts';

export const expansionSchema = z
  .object({
    id: z.string(),
    campaign_id: z.string(),
    cause: z
      .enum(['created', 'requested', 'interval', 'population', 'change'])
      .describe('What made it: the creation of the campaign, a call, or the refresh policy.'),
    state: z.enum(EXPANSION_STATES),
    progress: z.number().min(0).max(1).describe('0 to 1, never falls.'),
    eta_seconds: z
      .number()
      .nullable()
      .describe('Until it ends, as far as those before it tell; null where it has ended, or none has been made yet.'),
    reason: reasonSchema.nullable().describe('Why, with its numbers.'),
    features: z.record(z.string(), featureValue),
    filters: z.record(z.string(), z.array(z.string()).readonly()),
    seeds: seedCountsSchema,
    feedback: z
      .object({ positives: count, dismissed: count })
      .describe('Users that feedback added to the seeds, and to the negatives.'),
    excluded: excludedSchema.nullable(),
    model_version: z.string().nullable(),
    population_version: z.string().nullable(),
    audience_version: count.nullable().describe('The first audience version made of it that is kept.'),
    timings: z.record(z.string(), z.number()).describe('Seconds by stage.'),
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

/** Pages of what belongs to a campaign. */
export function listQuery(config: ServerConfig) {
  return z.strictObject({
    limit: pageLimit(config.maximumCampaignPageSize, config.defaultCampaignPageSize).meta(component('PageLimit')),
    cursor: pageCursor,
  });
}

export const qualityReportSchema = z
  .object({
    campaign_id: z.string(),
    expansion_id: z.string(),
    audience_version: count,
    size: count.describe('Users in the audience.'),
    candidates: count,
    verdict: z
      .enum(['good', 'weak', 'unsure'])
      .nullable()
      .describe(
        '`weak`: the seeds look like everyone; `unsure`: they are too few to tell. null where nothing was predicted.',
      ),
    reason: z.string().describe('The verdict in a sentence, with its numbers.'),
    auc: predicted.nullable().describe('Chance that a member scores above a candidate.'),
    curve: z
      .array(
        z.object({
          share: z.number().describe('Of the candidates.'),
          size: count,
          recall: predicted.describe('Part of the members who are not seeds that an audience of this size holds.'),
          lift: predicted.describe('Members in it, as a multiple of what an audience by lot has.'),
        }),
      )
      .describe('By size, smallest first; empty where too few seeds could be held out.'),
  })
  .meta({
    id: 'QualityReport',
    description:
      'What the audience is worth, told from the seeds alone: each fifth of them is ranked by a model that learned from the others. ' +
      'Intervals are 90 %: they hold the truth nine times in ten. No probability of a single user is claimed.',
    examples: [
      {
        campaign_id: '0193634e-5f6b-7cc4-a8cd-0a6d1a0d2f11',
        expansion_id: '5c3b1f0e-8a0c-4a58-9f0d-2f3f0c6c1a77',
        audience_version: 2,
        size: 1000,
        candidates: 20000,
        verdict: 'good',
        reason: 'held-out seeds rank above most candidates: AUC 0.86, between 0.82 and 0.90',
        auc: { mean: 0.86, low: 0.82, high: 0.9 },
        curve: [
          {
            share: 0.05,
            size: 1000,
            recall: { mean: 0.42, low: 0.31, high: 0.53 },
            lift: { mean: 8.4, low: 6.2, high: 10.6 },
          },
        ],
      },
    ],
  });

/** Without a version, the active one. */
export const qualityQuery = z.strictObject({
  version: versionNumber().optional().describe('An audience version; the active one if not given.'),
});

export const activateBody = z
  .strictObject({ version: z.int().min(1).describe('A version that is kept.') })
  .meta({ ...component('AudienceActivate'), examples: [{ version: 1 }] });

export const changesSchema = z
  .object({
    items: z.array(
      z.object({
        campaign_id: z.string(),
        kind: z.enum(['activated', 'deleted']),
        version: count.nullable().describe('The version that is active from then on; null of a deleted campaign.'),
        previous_version: count.nullable(),
        size: count.nullable(),
        diff: z
          .string()
          .nullable()
          .describe(
            'Where the difference to the version before can be read, as long as both are kept (else 404 `audience_not_found`).',
          ),
        changed_at: time,
      }),
    ),
    next_cursor: z.string().describe('`since` of the next call, also where nothing is left.'),
    has_more: z.boolean(),
  })
  .meta({
    id: 'Changes',
    description: 'Oldest first.',
    examples: [
      {
        items: [
          {
            campaign_id: '0193634e-5f6b-7cc4-a8cd-0a6d1a0d2f11',
            kind: 'activated',
            version: 2,
            previous_version: 1,
            size: 1000,
            diff: '/v1/campaigns/0193634e-5f6b-7cc4-a8cd-0a6d1a0d2f11/audiences/1/diff/2',
            changed_at: '2026-11-25T12:00:00.000Z',
          },
        ],
        next_cursor: 'eDE6MTI',
        has_more: false,
      },
    ],
  });

export function changesQuery(config: ServerConfig) {
  return z.strictObject({
    since: z
      .string()
      .optional()
      .describe('`next_cursor` of the call before; without, everything from the first change on.'),
    limit: pageLimit(config.maximumPageSize, config.defaultPageSize),
  });
}

/** `now` gives ms since 1970. */
export function feedbackBody(config: ServerConfig, now: () => number) {
  const { maximumUserIdBytes, maximumFeedbackEvents, maximumFeedbackAheadMs, maximumErrorDetails } = config;
  const event = z.strictObject({
    user_id: userId(maximumUserIdBytes),
    event: z
      .enum(['conversion', 'click', 'dismissal'])
      .describe('Conversions and clicks are seeds of the next expansion, dismissals negatives.'),
    time: z.iso
      .datetime({ offset: true })
      .refine((time) => !(Date.parse(time) > now() + maximumFeedbackAheadMs), 'an event is not in the future')
      .optional()
      .describe('RFC 3339; now if not given, and not in the future. Of a user the latest event counts.'),
  });
  return z.strictObject({ events: listOf('events', event, maximumFeedbackEvents, maximumErrorDetails) }).meta({
    ...component('FeedbackEvents'),
    description: 'As NDJSON, one event a line.',
    examples: [{ events: [{ user_id: 'u4711', event: 'conversion', time: '2026-11-25T12:00:00Z' }] }],
  });
}

export const feedbackSchema = z
  .object({
    received: count,
    taken: count.describe('Events that were newer than what was known of their user.'),
    outdated: count,
    users: z.object({ conversion: count, click: count, dismissal: count }).describe('By their last event.'),
  })
  .meta({
    id: 'FeedbackReport',
    examples: [{ received: 3, taken: 2, outdated: 1, users: { conversion: 1, click: 0, dismissal: 1 } }],
  });
