/** Filters and sort orders of the list of campaigns. */

import type { PageQuery } from './pages.ts';
import type { ExpansionState } from './states.ts';
import type { Labels } from './types.ts';

/**
 * Sort orders of the list of campaigns. A minus sign means descending. Names are compared case-insensitively (Latin
 * letters only). States are sorted alphabetically; campaigns that were never expanded come last.
 */
export const CAMPAIGN_SORTS = ['name', '-name', 'created_at', '-created_at', '-updated_at', 'state'] as const;

export type CampaignSort = (typeof CAMPAIGN_SORTS)[number];

export interface CampaignQuery extends PageQuery {
  /** By default, the campaign created last comes first. */
  readonly sort?: CampaignSort | undefined;
  /** Only campaigns created or updated in this range: `From` is inclusive, `To` is not. Milliseconds since 1970. */
  readonly createdFrom?: number | undefined;
  readonly createdTo?: number | undefined;
  readonly updatedFrom?: number | undefined;
  readonly updatedTo?: number | undefined;
  readonly state?: ExpansionState | undefined;
  readonly externalId?: string | undefined;
  /** Only campaigns whose name or external id contains this text (case-insensitive for Latin letters). */
  readonly search?: string | undefined;
  /** Only campaigns that have all of these labels. */
  readonly labels?: Labels | undefined;
}
