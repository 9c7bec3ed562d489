/** The domain in the words of the API: snake_case, RFC 3339 times. */
import type { z } from 'zod';
import type { Campaign } from '../campaigns/types.ts';
import type { Delivery, Webhook } from '../campaigns/webhook-types.ts';
import type { campaignSchema } from './schemas.ts';
import type { deliverySchema, webhookSchema } from './webhook-schemas.ts';

/** A campaign as JSON. */
export function presentCampaign(campaign: Campaign): z.output<typeof campaignSchema> {
  const { seeds, featureCounts } = campaign;
  return {
    id: campaign.id,
    external_id: campaign.externalId,
    name: campaign.name,
    labels: campaign.labels,
    expansion_id: campaign.expansionId,
    state: campaign.state,
    progress: campaign.progress,
    reason: campaign.reason,
    features: campaign.features,
    feature_counts: { unknown: featureCounts.unknown, missing: featureCounts.missing },
    audience: campaign.audience,
    seeds: {
      received: seeds.received,
      known: seeds.known,
      unknown: seeds.unknown,
      duplicate: seeds.duplicate,
      unknown_examples: seeds.unknownExamples,
    },
    model_version: campaign.modelVersion,
    population_version: campaign.populationVersion,
    audience_version: campaign.audienceVersion,
    size: campaign.audienceSize,
    candidates: campaign.candidates,
    timings: campaign.timings,
    // as the engine wrote it; the serialiser checks it
    quality: campaign.quality as z.output<typeof campaignSchema>['quality'],
    created_at: presentTime(campaign.createdAt),
    updated_at: presentTime(campaign.updatedAt),
  };
}

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

/** A delivery as JSON. */
export function presentDelivery(delivery: Delivery): z.output<typeof deliverySchema> {
  const { nextAttemptAt, lastAttemptAt, lastDurationMs } = delivery;
  return {
    id: delivery.id,
    event_id: delivery.eventId,
    type: delivery.type,
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

function presentTime(ms: number): string {
  return new Date(ms).toISOString();
}
