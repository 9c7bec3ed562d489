/** The domain in the words of the API: snake_case, RFC 3339 times. */
import type { z } from 'zod';
import type { ChangeReport, MatchReport } from '../campaigns/set-types.ts';
import type { Audience, Campaign, Expansion, SeedCounts } from '../campaigns/types.ts';
import type { Delivery, Webhook } from '../campaigns/webhook-types.ts';
import type { audienceVersionSchema } from './audience-schemas.ts';
import { presentRefresh } from './campaign-inputs.ts';
import type { expansionSchema } from './expansion-schemas.ts';
import type { Hint } from './match-hints.ts';
import type { campaignSchema } from './schemas.ts';
import type { userSetSchema } from './upload-schemas.ts';
import type { deliverySchema, webhookSchema } from './webhook-schemas.ts';

/** A campaign as JSON. */
export function presentCampaign(campaign: Campaign): z.output<typeof campaignSchema> {
  const { featureCounts } = campaign;
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
    filters: campaign.filters,
    audience: campaign.audience,
    refresh: presentRefresh(campaign.refresh),
    needs_expansion: campaign.needsExpansion,
    seeds: presentCounts(campaign.seeds),
    excluded: campaign.excluded && { ...campaign.excluded },
    model_version: campaign.modelVersion,
    population_version: campaign.populationVersion,
    audience_version: campaign.audienceVersion,
    size: campaign.audienceSize,
    candidates: campaign.candidates,
    timings: campaign.timings,
    quality: presentQuality(campaign.quality),
    created_at: presentTime(campaign.createdAt),
    updated_at: presentTime(campaign.updatedAt),
  };
}

/** How a set of users matches the population that is served, as JSON. */
export function presentMatchReport(report: MatchReport, populationVersion: string): z.output<typeof userSetSchema> {
  const { users, received, known, unknown, duplicate, suppressed, unknownExamples, createdAt, updatedAt } = report;
  return {
    users,
    received,
    known,
    unknown,
    duplicate,
    ...(suppressed === null ? {} : { suppressed }),
    unknown_examples: unknownExamples,
    population_version: populationVersion,
    created_at: createdAt === null ? null : presentTime(createdAt),
    updated_at: updatedAt === null ? null : presentTime(updatedAt),
  };
}

/** A change's report as JSON: of the set, and of what was sent. */
export function presentChangeReport(
  { sent, ...report }: ChangeReport,
  populationVersion: string,
  hints: readonly Hint[],
): z.output<typeof userSetSchema> {
  const { received, known, unknown, duplicate, unknownExamples } = sent;
  return {
    ...presentMatchReport(report, populationVersion),
    sent: {
      received,
      known,
      unknown,
      duplicate,
      known_percent: knownPercent(sent),
      unknown_examples: unknownExamples,
      hints,
    },
  };
}

/** Known users per cent of all that are different, to a tenth and never rounded up: 99.9 is not everybody. */
export function knownPercent({ known, unknown }: Pick<SeedCounts, 'known' | 'unknown'>): number {
  return Math.floor((known * 1_000) / (known + unknown)) / 10;
}

/** An expansion as JSON. */
export function presentExpansion(expansion: Expansion): z.output<typeof expansionSchema> {
  const { feedback, remainingMs, startedAt } = expansion;
  return {
    id: expansion.id,
    campaign_id: expansion.campaignId,
    cause: expansion.cause,
    state: expansion.state,
    progress: expansion.progress,
    eta_seconds: remainingMs === null ? null : remainingMs / 1000,
    reason: expansion.reason,
    features: expansion.features,
    filters: expansion.filters,
    seeds: presentCounts(expansion.seeds),
    feedback: { positives: feedback.positives, dismissed: feedback.dismissed },
    excluded: expansion.excluded && { ...expansion.excluded },
    model_version: expansion.modelVersion,
    population_version: expansion.populationVersion,
    audience_version: expansion.audienceVersion,
    timings: expansion.timings,
    quality: presentQuality(expansion.quality),
    created_at: presentTime(expansion.createdAt),
    started_at: startedAt === null ? null : presentTime(startedAt),
    updated_at: presentTime(expansion.updatedAt),
  };
}

export function presentCounts(seeds: SeedCounts): z.output<typeof campaignSchema>['seeds'] {
  const { received, known, unknown, duplicate, unknownExamples } = seeds;
  return { received, known, unknown, duplicate, unknown_examples: unknownExamples };
}

type Quality = z.output<typeof campaignSchema>['quality'];

/** Sizes at which a campaign shows what is predicted; the whole curve is a route of its own. */
const SHOWN_SHARES = ['0.01', '0.02', '0.05', '0.1', '0.2'];

/** The report as the engine wrote it, which the serialiser checks; of the predicted sizes a few. */
function presentQuality(quality: Campaign['quality']): Quality {
  const report = quality as Quality;
  if (!report?.prediction) return report;
  const shown = <T>(bySize: Readonly<Record<string, T>>) =>
    Object.fromEntries(
      SHOWN_SHARES.flatMap((share) => (Object.hasOwn(bySize, share) ? [[share, bySize[share]!]] : [])),
    );
  const { recall, lift } = report.prediction;
  return { ...report, prediction: { ...report.prediction, recall: shown(recall), lift: shown(lift) } };
}

/** A version of an audience as JSON. */
export function presentAudienceVersion(audience: Audience): z.output<typeof audienceVersionSchema> {
  return {
    campaign_id: audience.campaignId,
    version: audience.version,
    active: audience.isActive,
    size: audience.size,
    candidates: audience.candidates,
    population_size: audience.populationSize,
    population_version: audience.populationVersion,
    expansion_id: audience.expansionId,
    created_at: presentTime(audience.createdAt),
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

export function presentTime(ms: number): string {
  return new Date(ms).toISOString();
}
