/** The types of webhooks: receivers, events and deliveries. */
import type { NewDestination } from './destinations.ts';
import type { PageQuery } from './pages.ts';

/** The events that a webhook can subscribe to. */
export const CAMPAIGN_EVENTS = [
  'campaign.ready',
  'campaign.failed',
  'campaign.too_small',
  'campaign.refreshed',
  'campaign.resized',
  'campaign.activated',
  'campaign.deleted',
  'suppression.expired',
] as const;

export type CampaignEvent = (typeof CAMPAIGN_EVENTS)[number];

/** Events that activate another version, and therefore queue a delivery to a destination. */
export const DESTINATION_EVENTS: readonly CampaignEvent[] = [
  'campaign.ready',
  'campaign.refreshed',
  'campaign.resized',
  'campaign.activated',
];

/** Events about a caller's action on a campaign, not about the end of an expansion. */
export type CallerEvent = Extract<CampaignEvent, `campaign.${'resized' | 'activated' | 'deleted'}`>;

/** The event of a test delivery. A ping is sent only on request, and only to one webhook. */
export const EVENT_TYPES = [...CAMPAIGN_EVENTS, 'webhook.ping'] as const;

export type EventType = (typeof EVENT_TYPES)[number];

export const DELIVERY_STATES = ['pending', 'delivered', 'failed'] as const;

export type DeliveryState = (typeof DELIVERY_STATES)[number];

/** A webhook with its newest secret. */
export interface SignedWebhook {
  readonly webhook: Webhook;
  readonly secret: string;
}

export interface NewWebhook {
  readonly url: string;
  readonly events: readonly CampaignEvent[];
  readonly description: string;
}

/** The changed fields of a webhook; other fields keep their values. */
export type WebhookChange = { readonly [K in keyof NewWebhook]?: NewWebhook[K] | undefined } & {
  readonly enabled?: boolean | undefined;
};

/** A webhook as seen from outside, without its secret. */
export interface Webhook extends NewWebhook {
  readonly id: string;
  readonly enabled: boolean;
  /**
   * Why the service disabled the webhook (`gone`: its receiver returned 410); null if the webhook is enabled, or if a
   * caller disabled it.
   */
  readonly disabledReason: string | null;
  /** The time in milliseconds since 1970. */
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** The delivery of an event to a webhook, across all attempts. */
export interface Delivery {
  readonly id: string;
  /** The value of the header `webhook-id`, which is the same for all attempts and replays. */
  readonly eventId: string;
  readonly type: EventType;
  /** The campaign that the event is about; null for a ping. */
  readonly campaignId: string | null;
  /** The active audience version after the event; null if there is none. */
  readonly audienceVersion: number | null;
  readonly state: DeliveryState;
  readonly attempts: number;
  /** The id of the delivery that this delivery repeats. */
  readonly replayOf: string | null;
  /** The time of the next attempt, in milliseconds since 1970; null if the delivery has ended. */
  readonly nextAttemptAt: number | null;
  readonly lastAttemptAt: number | null;
  /** HTTP status of the last response; null if there has been no response. */
  readonly lastStatus: number | null;
  /** Why the last attempt got no response. */
  readonly lastError: string | null;
  /** Duration of the last attempt, in milliseconds. */
  readonly lastDurationMs: number | null;
  readonly createdAt: number;
}

/** A delivery that is due, with everything that an attempt needs. */
export interface DueDelivery {
  readonly id: string;
  readonly webhookId: string;
  readonly url: string;
  /** Where to write files instead of calling the URL; null for a webhook. */
  readonly destination: NewDestination | null;
  /** The webhook's secrets, newest first. Every secret signs the event. */
  readonly secrets: readonly string[];
  readonly eventId: string;
  readonly type: EventType;
  readonly body: string;
  /** The W3C traceparent of the operation that caused the event. */
  readonly traceparent: string | null;
  /** Number of attempts before this attempt. */
  readonly attempts: number;
  /** When the retry period started, in milliseconds since 1970. */
  readonly createdAt: number;
}

/** The outcome of an attempt. */
export interface Attempt {
  readonly status: number | null;
  readonly error: string | null;
  readonly durationMs: number;
  readonly state: DeliveryState;
  /** The time of the next attempt, in milliseconds since 1970; set if and only if the delivery stays pending. */
  readonly nextAttemptAt: number | null;
  /** Whether the receiver reported that it is permanently gone, which disables its webhook. */
  readonly isGone: boolean;
}

export interface DeliveryQuery extends PageQuery {
  readonly state?: DeliveryState | undefined;
}
