/** The shapes of webhooks over HTTP. */
import { z } from 'zod';
import { CAMPAIGN_EVENTS, type CampaignEvent, DELIVERY_STATES, EVENT_TYPES } from '../../domain/webhook-types.ts';
import type { ServerConfig } from '../config.ts';
import { component } from '../openapi/component.ts';
import { addFirstIssues } from '../plugins/json/bounded-fields.ts';
import { time } from '../plugins/json/fields.ts';
import { pageLimit } from '../plugins/json/query-numbers.ts';
import { addIssue } from '../plugins/json/validation.ts';
import { pageCursor } from '../plugins/paging.ts';

const webhookFields = {
  id: z.string(),
  url: z.string(),
  events: z.array(z.enum(CAMPAIGN_EVENTS)).readonly(),
  description: z.string(),
  enabled: z.boolean().describe('Nothing is sent to one that is not, and what happens meanwhile it is never told.'),
  disabled_reason: z
    .string()
    .nullable()
    .describe('Why the service disabled it: `gone`, it answered 410. Null where you did.'),
  created_at: time,
  updated_at: time,
};

const EXAMPLE = {
  id: '5b0e9a4e-8f43-4f4e-9b8e-0c8f6f1f2a77',
  url: 'https://example.com/hooks/metaheac',
  events: [...CAMPAIGN_EVENTS],
  description: 'tells the ad server',
  enabled: true,
  disabled_reason: null,
  created_at: '2026-11-25T12:00:00.000Z',
  updated_at: '2026-11-25T12:00:00.000Z',
};

/** A webhook, without its secret. */
export const webhookSchema = z.object(webhookFields).meta({ id: 'Webhook', examples: [EXAMPLE] });

/** A webhook with its newest secret: the answers to POST and rotate alone. */
export const webhookWithSecretSchema = z
  .object({ ...webhookFields, secret: z.string().describe('Signs what is sent. It is never shown again.') })
  .meta({
    id: 'WebhookWithSecret',
    examples: [{ ...EXAMPLE, secret: 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oDKZ7hZuXNUVg=' }],
  });

export const webhookPageSchema = z
  .object({ items: z.array(webhookSchema), next_cursor: z.string().nullable() })
  .meta({ id: 'WebhookPage', description: 'Newest first.' });

export const deliverySchema = z
  .object({
    id: z.string(),
    event_id: z.string().describe('The header `webhook-id`: the same over attempts and replays.'),
    type: z.enum(EVENT_TYPES),
    campaign_id: z.string().nullable().describe('The campaign that the event tells of; null for a ping.'),
    state: z.enum(DELIVERY_STATES),
    attempts: z.int().min(0),
    replay_of: z.string().nullable().describe('The delivery that this one repeats.'),
    next_attempt_at: time.nullable(),
    last_attempt_at: time.nullable(),
    last_status: z.int().nullable().describe('HTTP status of the last answer; null where there was none.'),
    last_error: z
      .string()
      .nullable()
      .describe(
        'Why there was none: `timeout`, `address_refused`, `webhook_url_refused`, `webhook_disabled`, or ' +
          'a code of the system, DNS or TLS (`ECONNREFUSED`, ..).',
      ),
    last_response_seconds: z.number().nullable().describe('How long the last attempt took.'),
    created_at: time,
  })
  .meta({
    id: 'Delivery',
    examples: [
      {
        id: '0f4c4f0e-55a7-4c8f-8d0e-3f0a3fb6a0f1',
        event_id: 'd9428888-122b-4b2a-9f5a-2e6e9a1f7b10',
        type: 'campaign.ready',
        campaign_id: '0193634e-5f6b-7cc4-a8cd-0a6d1a0d2f11',
        state: 'pending',
        attempts: 1,
        replay_of: null,
        next_attempt_at: '2026-11-25T12:00:05.211Z',
        last_attempt_at: '2026-11-25T12:00:00.300Z',
        last_status: 503,
        last_error: null,
        last_response_seconds: 0.12,
        created_at: '2026-11-25T12:00:00.000Z',
      },
    ],
  });

export const deliveryPageSchema = z
  .object({ items: z.array(deliverySchema), next_cursor: z.string().nullable() })
  .meta({ id: 'DeliveryPage', description: 'Newest first.' });

export const webhookParams = z.strictObject({
  id: z.string().meta({ ...component('WebhookId'), description: 'Id of a webhook.' }),
});

export const deliveryParams = z.strictObject({
  id: webhookParams.shape.id,
  delivery_id: z.string().describe('Id of one of its deliveries.'),
});

export function webhookQuery(config: ServerConfig) {
  return z.strictObject({
    limit: pageLimit(config.maximumCampaignPageSize, config.defaultCampaignPageSize).meta(component('PageLimit')),
    cursor: pageCursor,
  });
}

export function deliveryQuery(config: ServerConfig) {
  return webhookQuery(config).extend({ state: z.enum(DELIVERY_STATES).optional() });
}

/** A new webhook. */
export function webhookBody(config: ServerConfig) {
  const { url, events, description } = inputFields(config);
  return z
    .strictObject({
      url,
      events: events.default(CAMPAIGN_EVENTS),
      description: description.default(''),
    })
    .meta({
      ...component('WebhookCreate'),
      examples: [{ url: EXAMPLE.url, events: ['campaign.ready', 'campaign.refreshed'] }],
    });
}

/** A change: what is not named stays. */
export function webhookChangeBody(config: ServerConfig) {
  const { url, events, description } = inputFields(config);
  return z
    .strictObject({
      url: url.optional(),
      events: events.optional(),
      description: description.optional(),
      enabled: z.boolean().optional().describe('Enabled again, it is sent what still waits.'),
    })
    .refine((change) => Object.values(change).some((value) => value !== undefined), {
      message: 'at least one field is expected',
    })
    .meta({ ...component('WebhookUpdate'), examples: [{ enabled: false }] });
}

/** May be left out. */
export function rotationBody(config: ServerConfig) {
  const most = Math.floor(config.webhookSecretGraceMs / 1000);
  return z
    .strictObject({
      grace_seconds: z
        .int()
        .min(0)
        .max(most)
        .default(most)
        .describe('How long former secrets sign beside the new one; 0 where they leaked.'),
    })
    .nullable()
    .meta({ ...component('WebhookSecretRotate'), examples: [{ grace_seconds: 3600 }] });
}

function inputFields(config: ServerConfig) {
  return {
    url: z
      .string()
      .min(1)
      .max(config.maximumWebhookUrlLength)
      .describe('https, without user info, of a public host; the operator may allow others.'),
    events: z
      .custom<readonly CampaignEvent[]>((value) => Array.isArray(value), 'a list of event types is expected')
      .superRefine((events, context) => {
        if (events.length === 0) addIssue(context, [], { message: 'at least 1 event is expected', limit: 1 });
        const seen = new Set<unknown>();
        addFirstIssues(context, events.entries(), (event) => wrongEvent(event, seen), config.maximumErrorDetails);
      })
      .meta({ type: 'array', minItems: 1, uniqueItems: true, items: { type: 'string', enum: CAMPAIGN_EVENTS } }),
    description: z.string().max(config.maximumNameLength),
  };
}

function wrongEvent(event: unknown, seen: Set<unknown>) {
  if (!(CAMPAIGN_EVENTS as readonly unknown[]).includes(event))
    return { message: `an event is one of ${CAMPAIGN_EVENTS.join(', ')}` };
  if (seen.has(event)) return { message: 'each event is named once' };
  seen.add(event);
  return null;
}
