/** Campaigns in the words of the API. */
import type { z } from 'zod';
import type { Campaign } from '../../domain/types.ts';
import { presentCounts, presentQuality } from '../expansions/present.ts';
import { tagOf } from '../plugins/preconditions.ts';
import { presentTime } from '../plugins/present-time.ts';
import { presentRefresh } from './inputs.ts';
import type { campaignSchema } from './schemas.ts';

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
    eta_seconds: campaign.remainingMs === null ? null : campaign.remainingMs / 1000,
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

/**
 * The ETag of a campaign: of the fields that callers change. With progress in it, who edits a campaign that is being
 * expanded would be refused although nobody else has edited it.
 */
export function tagOfCampaign(campaign: z.output<typeof campaignSchema>): string {
  const { id, external_id: externalId, name, labels, features, filters, audience, refresh } = campaign;
  return tagOf([id, externalId, name, labels, features, filters, audience, refresh]);
}
