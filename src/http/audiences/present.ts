/** Audience versions in the words of the API. */
import type { z } from 'zod';
import type { Audience } from '../../domain/types.ts';
import { presentTime } from '../plugins/present-time.ts';
import type { audienceVersionSchema } from './schemas.ts';

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
