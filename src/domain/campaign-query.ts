/** What the list of campaigns may be asked for. */

import type { PageQuery } from './pages.ts';
import type { ExpansionState } from './states.ts';
import type { Labels } from './types.ts';

/**
 * Sort orders of the list of campaigns; a minus sign means descending. Names are compared without the case of Latin
 * letters. States are in alphabetical order, and campaigns that were never expanded follow.
 */
export const CAMPAIGN_SORTS = ['name', '-name', 'created_at', '-created_at', '-updated_at', 'state'] as const;

export type CampaignSort = (typeof CAMPAIGN_SORTS)[number];

export interface CampaignQuery extends PageQuery {
  /** By default, newest first, in the order of creation. */
  readonly sort?: CampaignSort | undefined;
  /** Only campaigns created or updated from a time on, or before a time, in milliseconds since 1970. */
  readonly createdFrom?: number | undefined;
  readonly createdTo?: number | undefined;
  readonly updatedFrom?: number | undefined;
  readonly updatedTo?: number | undefined;
  readonly state?: ExpansionState | undefined;
  readonly externalId?: string | undefined;
  /** Only campaigns whose name or external id contains this text. The case of Latin letters is ignored. */
  readonly search?: string | undefined;
  /** Only campaigns that have all of these labels. */
  readonly labels?: Labels | undefined;
}
