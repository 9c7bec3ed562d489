/** Response and request schemas of webhooks and their deliveries. */
import { z } from 'zod';
import {
  CAMPAIGN_EVENTS,
  type CampaignEvent,
  DELIVERY_STATES,
  type Delivery,
  EVENT_TYPES,
  type SignedWebhook,
  type Webhook,
} from '../../domain/webhook-types.ts';
import type { ServerConfig } from '../config.ts';
import { component } from '../openapi/component.ts';
import { answerOf, pageOf } from '../plugins/json/answer.ts';
import { addFirstIssues } from '../plugins/json/bounded-fields.ts';
import { time } from '../plugins/json/fields.ts';
import { addIssue } from '../plugins/json/validation.ts';
import { pageQuery } from '../plugins/paging.ts';

const EXAMPLE = {
  id: '5b0e9a4e-8f43-4f4e-9b8e-0c8f6f1f2a77',
  url: 'https://example.com/hooks/metaheac',
  events: [...CAMPAIGN_EVENTS],
  description: 'notifies the ad server',
  enabled: true,
  disabled_reason: null,
  created_at: '2026-11-25T12:00:00.000Z',
  updated_at: '2026-11-25T12:00:00.000Z',
};

const URL_TEXT = 'URL to which events are sent with POST.';
const EVENTS_TEXT = 'Types of the events that the webhook receives.';
const DESCRIPTION_TEXT = 'A description for people.';

const fields = {
  id: z.string(),
  url: z.string().describe(URL_TEXT),
  events: z.array(z.enum(CAMPAIGN_EVENTS)).readonly().describe(EVENTS_TEXT),
  description: z.string().describe(DESCRIPTION_TEXT),
  enabled: z
    .boolean()
    .describe('Whether the webhook is enabled. Events that occur while the webhook is disabled are never sent to it.'),
  disabled_reason: z
    .string()
    .nullable()
    .describe(
      'Reason why the service disabled the webhook: `gone` if the receiver responded with 410. `null` if a ' +
        'caller disabled the webhook.',
    ),
  created_at: time,
  updated_at: time,
};

/** Response schema of a webhook without its secret. */
export const webhook = answerOf<Webhook>()({ id: 'Webhook', examples: [EXAMPLE] }, fields);

/** Response schema of a webhook with its newest secret, which only the responses to POST and rotate contain. */
export const signedWebhook = z
  .transform((signed: SignedWebhook) => ({ ...signed.webhook, secret: signed.secret }))
  .pipe(
    answerOf<Webhook & { readonly secret: string }>()(
      {
        id: 'WebhookWithSecret',
        examples: [{ ...EXAMPLE, secret: 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oDKZ7hZuXNUVg=' }],
      },
      { ...fields, secret: z.string().describe('Secret that signs every delivery. The secret is never shown again.') },
    ),
  );

export const webhookPage = pageOf('WebhookPage', webhook);

export const delivery = answerOf<Delivery>()(
  {
    id: 'Delivery',
    examples: [
      {
        id: '0f4c4f0e-55a7-4c8f-8d0e-3f0a3fb6a0f1',
        event_id: 'd9428888-122b-4b2a-9f5a-2e6e9a1f7b10',
        type: 'campaign.ready',
        campaign_id: '0193634e-5f6b-7cc4-a8cd-0a6d1a0d2f11',
        audience_version: 1,
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
  },
  {
    id: z.string(),
    event_id: z
      .string()
      .describe('Value of the header `webhook-id`, which is the same for all attempts and replays of an event.'),
    type: z.enum(EVENT_TYPES),
    campaign_id: z.string().nullable().describe('The campaign that the event is about; `null` for a ping.'),
    audience_version: z
      .int()
      .nullable()
      .describe('The audience version that is active after the event; `null` if there is none.'),
    state: z
      .enum(DELIVERY_STATES)
      .describe('`pending`: an attempt is due or running; `delivered`; `failed`: there are no further attempts.'),
    attempts: z.int().min(0).describe('Number of attempts so far.'),
    replay_of: z
      .string()
      .nullable()
      .describe('Id of the delivery that this delivery repeats; `null` if it is not a replay.'),
    next_attempt_at: time.nullable().describe('Time of the next attempt; `null` if the delivery has ended.'),
    last_attempt_at: time.nullable().describe('Time of the latest attempt; `null` before the first attempt.'),
    last_status: z.int().nullable().describe('HTTP status of the last response; `null` if there was no response.'),
    last_error: z
      .string()
      .nullable()
      .describe(
        'Reason why the last attempt got no response: `timeout`, `address_refused`, `webhook_url_refused`, ' +
          '`webhook_disabled`, or an error code of the system, DNS or TLS (such as `ECONNREFUSED`). For a destination, ' +
          'the reason why the version could not be written: an error code of the service or the system, or ' +
          '`destination_paused`. `null` otherwise.',
      ),
    last_response_seconds: z
      .number()
      .nullable()
      .describe('Duration of the last attempt in seconds; `null` before the first attempt.'),
    created_at: time,
  },
  { last_response_seconds: ({ lastDurationMs: ms }) => (ms === null ? null : Math.round(ms) / 1000) },
);

export const deliveryPage = pageOf('DeliveryPage', delivery);

export const webhookParams = z.strictObject({
  id: z.string().meta({ ...component('WebhookId'), description: 'Id of a webhook.' }),
});

export const deliveryParams = z.strictObject({
  id: webhookParams.shape.id,
  delivery_id: z.string().describe('Id of a delivery of the webhook.'),
});

export function deliveryQuery(config: ServerConfig) {
  return pageQuery(config).extend({ state: z.enum(DELIVERY_STATES).optional() });
}

/** Request body that creates a webhook. */
export function webhookBody(config: ServerConfig) {
  const { url, events, description } = bodyFields(config);
  return z.strictObject({ url, events: events.default(CAMPAIGN_EVENTS), description: description.default('') }).meta({
    ...component('WebhookCreate'),
    examples: [{ url: EXAMPLE.url, events: ['campaign.ready', 'campaign.refreshed'] }],
  });
}

/** Request body that changes a webhook. Fields that are not given stay as they are. */
export function webhookChangeBody(config: ServerConfig) {
  return z
    .strictObject({
      ...bodyFields(config),
      enabled: z
        .boolean()
        .describe('Whether the webhook is enabled. When a webhook is enabled again, pending deliveries are sent.'),
    })
    .partial()
    .refine((change) => Object.values(change).some((value) => value !== undefined), {
      message: 'at least one field is expected',
    })
    .meta({ ...component('WebhookUpdate'), examples: [{ enabled: false }] });
}

/** Optional request body of a secret rotation. */
export function rotationBody(config: ServerConfig) {
  const most = Math.floor(config.webhookSecretGraceMs / 1000);
  return z
    .strictObject({
      grace_seconds: z
        .int()
        .min(0)
        .max(most)
        .default(most)
        .describe(
          'Seconds for which previous secrets keep signing together with the new secret. Use 0 if a previous ' +
            'secret has leaked.',
        ),
    })
    .nullable()
    .meta({ ...component('WebhookSecretRotate'), examples: [{ grace_seconds: 3600 }] });
}

function bodyFields(config: ServerConfig) {
  return {
    url: z
      .string()
      .min(1)
      .max(config.maximumWebhookUrlLength)
      .describe(`${URL_TEXT} An https URL of a public host, without user info; the operator may allow other hosts.`),
    events: z
      .custom<readonly CampaignEvent[]>((value) => Array.isArray(value), 'a list of event types is expected')
      .superRefine((events, context) => {
        if (events.length === 0) addIssue(context, [], { message: 'at least 1 event is expected', limit: 1 });
        const seen = new Set<unknown>();
        addFirstIssues(context, events.entries(), (event) => eventFault(event, seen), config.maximumErrorDetails);
      })
      .meta({
        ...{ type: 'array', minItems: 1, uniqueItems: true, items: { type: 'string', enum: CAMPAIGN_EVENTS } },
        description: EVENTS_TEXT,
      }),
    description: z.string().max(config.maximumNameLength).describe(DESCRIPTION_TEXT),
  };
}

function eventFault(event: unknown, seen: Set<unknown>) {
  if (!(CAMPAIGN_EVENTS as readonly unknown[]).includes(event))
    return { message: `an event must be one of ${CAMPAIGN_EVENTS.join(', ')}` };
  if (seen.has(event)) return { message: 'each event may be named only once' };
  seen.add(event);
  return null;
}
