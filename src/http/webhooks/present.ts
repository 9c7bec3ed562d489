/** Webhooks and their deliveries in the words of the API. */
import type { z } from 'zod';
import type { Delivery, SignedWebhook, Webhook } from '../../domain/webhook-types.ts';
import { tagOf } from '../plugins/preconditions.ts';
import { presentTime } from '../plugins/present-time.ts';
import type { deliverySchema, webhookSchema, webhookWithSecretSchema } from './schemas.ts';

/** A webhook as JSON, without its secret. */
export function presentWebhook(webhook: Webhook): z.output<typeof webhookSchema> {
  return {
    id: webhook.id,
    url: webhook.url,
    events: webhook.events,
    description: webhook.description,
    enabled: webhook.enabled,
    disabled_reason: webhook.disabledReason,
    created_at: presentTime(webhook.createdAt),
    updated_at: presentTime(webhook.updatedAt),
  };
}

/** The same with its secret: only when that is made. */
export function presentSigned({ webhook, secret }: SignedWebhook): z.output<typeof webhookWithSecretSchema> {
  return { ...presentWebhook(webhook), secret };
}

/** The ETag of a webhook: of all that is shown of it. */
export function tagOfWebhook(webhook: z.output<typeof webhookSchema>): string {
  const { id, url, events, description, enabled, disabled_reason: reason, updated_at: updatedAt } = webhook;
  return tagOf([id, url, events, description, enabled, reason, updatedAt]);
}

/** A delivery as JSON. */
export function presentDelivery(delivery: Delivery): z.output<typeof deliverySchema> {
  const { nextAttemptAt, lastAttemptAt, lastDurationMs } = delivery;
  return {
    id: delivery.id,
    event_id: delivery.eventId,
    type: delivery.type,
    campaign_id: delivery.campaignId,
    state: delivery.state,
    attempts: delivery.attempts,
    replay_of: delivery.replayOf,
    next_attempt_at: nextAttemptAt === null ? null : presentTime(nextAttemptAt),
    last_attempt_at: lastAttemptAt === null ? null : presentTime(lastAttemptAt),
    last_status: delivery.lastStatus,
    last_error: delivery.lastError,
    last_response_seconds: lastDurationMs === null ? null : Math.round(lastDurationMs) / 1000,
    created_at: presentTime(delivery.createdAt),
  };
}
