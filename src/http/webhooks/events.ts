/** Schemas of the events that are sent to webhooks, and the section `webhooks` of the OpenAPI document. */
import { z } from 'zod';
import { CAUSES, type VersionPart } from '../../domain/changes.ts';
import type { CallerEvent, CampaignEvent, EventType } from '../../domain/webhook-types.ts';
import { changedParts } from '../audiences/changed-parts.ts';
import { cutSizes } from '../campaigns/cuts.ts';
import { count, externalIdText, reason as reasonField, time } from '../plugins/json/fields.ts';

const EXAMPLE = {
  campaign_id: '0193634e-5f6b-7cc4-a8cd-0a6d1a0d2f11',
  external_id: 'shoes-2026-autumn',
  name: 'autumn shoes',
  expansion_id: '5c3b1f0e-8a0c-4a58-9f0d-2f3f0c6c1a77',
  cause: 'change',
};
const TIMESTAMP = '2026-11-25T12:00:00.000Z';
const TOO_FEW = {
  code: 'too_few_seeds',
  message: '4 of the seeds are in the population and neither suppressed nor negatives; at least 10 are needed',
  known: 4,
  minimum: 10,
};
const CUTS = [{ name: 'second', from_size: 502, to_size: 1003, size: 501 }];

/** The contents of the active version. */
const EXTENT = {
  size: count.describe('Number of users in the audience, including users who are held out.'),
  cuts: cutSizes.describe('The named cuts of the version.'),
};

const timestamp = time.describe('Time of the event.');

/** Schema of an event for an expansion that produced an audience. */
function readyEvent<T extends CampaignEvent>(
  type: T,
  id: string,
  { version, changed, example }: { version: number; changed: z.ZodType; example: readonly VersionPart[] | null },
) {
  return campaignEvent(
    type,
    id,
    {
      state: z.literal('ready'),
      audience_version: z.int().min(1).describe('The audience version that is active after the event.'),
      ...EXTENT,
      changed,
      reason: z.null(),
    },
    { state: 'ready', audience_version: version, size: 1000, cuts: CUTS, changed: example, reason: null },
  );
}

/** Schema of an event for an expansion that ended without producing an audience. */
function endedEvent<T extends CampaignEvent>(type: T, id: string, state: 'failed' | 'too_small', reason: object) {
  return campaignEvent(
    type,
    id,
    {
      state: z.literal(state),
      audience_version: z.null(),
      size: z.null(),
      cuts: z.null(),
      changed: z.null(),
      reason: reasonField.describe('The reason for the state of the expansion, with the relevant numbers.'),
    },
    { state, audience_version: null, size: null, cuts: null, changed: null, reason },
  );
}

function campaignEvent<T extends CampaignEvent, Shape extends z.ZodRawShape>(
  type: T,
  id: string,
  outcome: Shape,
  example: object,
) {
  const data = z.strictObject({
    campaign_id: z.string(),
    external_id: externalIdText,
    name: z.string(),
    expansion_id: z.string(),
    cause: z
      .enum(CAUSES)
      .describe("Cause of the expansion: the campaign's creation, a request, or a trigger of the refresh policy."),
    ...outcome,
  });
  return z
    .strictObject({ type: z.literal(type), timestamp, data })
    .meta({ id, examples: [{ type, timestamp: TIMESTAMP, data: { ...EXAMPLE, ...example } }] as never });
}

/**
 * Schema of an event for a change made by a caller. `active` describes the audience that is active after the change.
 */
function callerEvent<T extends CallerEvent>(
  type: T,
  id: string,
  active: z.ZodRawShape,
  example: {
    readonly audience_version: number | null;
    readonly size: number | null;
    readonly cuts: readonly object[] | null;
    readonly previous_version: number;
    readonly changed: readonly VersionPart[] | null;
  },
) {
  const { expansion_id: _, cause: __, ...names } = EXAMPLE;
  const data = z.strictObject({
    campaign_id: z.string(),
    external_id: externalIdText,
    name: z.string(),
    ...active,
  });
  return z
    .strictObject({ type: z.literal(type), timestamp, data })
    .meta({ id, examples: [{ type, timestamp: TIMESTAMP, data: { ...names, ...example } }] as never });
}

/** Fields of events that report a change to another active version. */
const ANOTHER = {
  audience_version: z.int().min(1).describe('The audience version that is active after the event.'),
  ...EXTENT,
  previous_version: z.int().min(1).describe('The audience version that was active before the event.'),
  changed: changedParts,
};
const NONE = {
  audience_version: z.null(),
  size: z.null(),
  cuts: z.null(),
  previous_version: z
    .int()
    .min(1)
    .nullable()
    .describe('The audience version that was active before the event; `null` if there was no audience.'),
  changed: z.null(),
};

interface EventRow {
  readonly summary: string;
  /** Name of the component in the OpenAPI document. */
  readonly component: string;
  readonly schema: z.ZodType;
}

const PING_ID = '5b0e9a4e-8f43-4f4e-9b8e-0c8f6f1f2a77';

/**
 * All event types and their schemas. A missing type is a compile error. The outbox writes only bodies that these
 * schemas accept.
 */
export const EVENTS: { readonly [T in EventType]: EventRow } = {
  'campaign.ready': {
    summary: 'A campaign has its first audience',
    component: 'CampaignReadyEvent',
    schema: readyEvent('campaign.ready', 'CampaignReadyEvent', { version: 1, changed: z.null(), example: null }),
  },
  'campaign.refreshed': {
    summary: 'A campaign has a new audience',
    component: 'CampaignRefreshedEvent',
    schema: readyEvent('campaign.refreshed', 'CampaignRefreshedEvent', {
      version: 2,
      changed: changedParts,
      example: ['seeds', 'suppression'],
    }),
  },
  'campaign.too_small': {
    summary: 'An expansion ended without an audience because too few seeds are known',
    component: 'CampaignTooSmallEvent',
    schema: endedEvent('campaign.too_small', 'CampaignTooSmallEvent', 'too_small', TOO_FEW),
  },
  'campaign.failed': {
    summary: 'An expansion failed; the previous audience, if there is one, stays active',
    component: 'CampaignFailedEvent',
    schema: endedEvent('campaign.failed', 'CampaignFailedEvent', 'failed', {
      code: 'crashed',
      message: 'the engine died in 5 of 5 attempts',
      attempts: 5,
    }),
  },
  'campaign.resized': {
    summary:
      'A caller changed the size, hold-out or cuts of an audience; another version from the same ranking is active',
    component: 'CampaignResizedEvent',
    schema: callerEvent('campaign.resized', 'CampaignResizedEvent', ANOTHER, {
      audience_version: 3,
      size: 500,
      cuts: CUTS,
      previous_version: 2,
      changed: ['size', 'cuts'],
    }),
  },
  'campaign.activated': {
    summary: 'A caller activated another audience version, for example to roll back',
    component: 'CampaignActivatedEvent',
    schema: callerEvent('campaign.activated', 'CampaignActivatedEvent', ANOTHER, {
      audience_version: 1,
      size: 1000,
      cuts: [],
      previous_version: 3,
      changed: ['size', 'cuts'],
    }),
  },
  'campaign.deleted': {
    summary: 'A caller deleted a campaign and its audience',
    component: 'CampaignDeletedEvent',
    schema: callerEvent('campaign.deleted', 'CampaignDeletedEvent', NONE, {
      audience_version: null,
      size: null,
      cuts: null,
      previous_version: 3,
      changed: null,
    }),
  },
  'suppression.expired': {
    summary: 'Users of a suppression list have expired and were removed from the list',
    component: 'SuppressionExpiredEvent',
    schema: z
      .strictObject({
        type: z.literal('suppression.expired'),
        timestamp,
        data: z.strictObject({
          campaign_id: z.string().nullable().describe('The campaign of the list; `null` for the global list.'),
          external_id: externalIdText.describe('External id of the campaign; `null` if there is none.'),
          name: z.string().nullable().describe('Name of the campaign; `null` for the global list.'),
          users: count.describe('Number of users who were removed.'),
        }),
      })
      .meta({
        id: 'SuppressionExpiredEvent',
        examples: [
          {
            type: 'suppression.expired',
            timestamp: TIMESTAMP,
            data: { campaign_id: null, external_id: null, name: null, users: 12 },
          },
        ] as never,
      }),
  },
  'webhook.ping': {
    summary: 'A caller requested a test event',
    component: 'WebhookPingEvent',
    schema: z
      .strictObject({
        type: z.literal('webhook.ping'),
        timestamp,
        data: z.strictObject({ webhook_id: z.string() }),
      })
      .meta({
        id: 'WebhookPingEvent',
        examples: [{ type: 'webhook.ping', timestamp: TIMESTAMP, data: { webhook_id: PING_ID } }],
      }),
  },
};

/** Returns the section `webhooks` of the OpenAPI document, with one outgoing call for each event type. */
export function webhookCalls(): Readonly<Record<string, object>> {
  return Object.fromEntries(
    Object.entries(EVENTS).map(([type, { summary, component }]) => [
      type,
      {
        post: {
          operationId: `receive${component.replace(/Event$/, '')}`,
          tags: ['webhooks'],
          summary,
          security: [],
          parameters: CALL_HEADERS,
          requestBody: {
            required: true,
            content: { 'application/json': { schema: { $ref: `#/components/schemas/${component}` } } },
          },
          responses: CALL_ANSWERS,
        },
      },
    ]),
  );
}

const CALL_HEADERS = [
  header('webhook-id', 'Id of the event, which is the same for all attempts and replays.', {
    example: 'd9428888-122b-4b2a-9f5a-2e6e9a1f7b10',
  }),
  header('webhook-timestamp', 'Time of this attempt, in seconds since 1970.', { example: '1795608000' }),
  header(
    'webhook-signature',
    'For each active secret, `v1,` and the base64 HMAC-SHA256 of `<webhook-id>.<webhook-timestamp>.<body>`, ' +
      'separated by spaces.',
    { example: 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=' },
  ),
];

function header(name: string, description: string, { example }: { readonly example: string }): object {
  return { in: 'header', name, description, required: true, schema: { type: 'string' }, example };
}

const CALL_ANSWERS = {
  '2XX': { description: 'The delivery is accepted. The response body is not read.' },
  '410': { description: 'The receiver is permanently gone, and the webhook is disabled.' },
  default: {
    description: 'After any other response, or if there is no response in time, the call is retried for a day.',
  },
};
