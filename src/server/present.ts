/** The domain in the words of the API: snake_case, RFC 3339 times. */
import type { z } from 'zod';
import type { Campaign } from '../campaigns/types.ts';
import type { campaignSchema } from './schemas.ts';

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

function presentTime(ms: number): string {
  return new Date(ms).toISOString();
}
