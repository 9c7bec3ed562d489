/** The port of campaigns and their results as training data for models, read while a service may be running. */

import type { FeedbackEvent } from '../feedback.ts';
import type { Campaign } from '../types.ts';
import type { IdBlocks } from '../user-sets.ts';

/** A campaign with seeds whose latest expansion ended as `ready`. */
export type CampaignRecord = Pick<Campaign, 'id' | 'externalId' | 'name' | 'features' | 'filters' | 'createdAt'> & {
  /** Names of the campaign's and the installation's suppression lists: equal lists have equal names; null for none. */
  readonly suppression: string | null;
  readonly commonSuppression: string | null;
};

export interface CampaignRecords {
  /** Oldest first. */
  ready(): readonly CampaignRecord[];

  /** Number of other campaigns: without seeds, or without an audience from their latest expansion. */
  countOthers(): number;

  /**
   * The current seeds, sorted, one block at a time; complete even if they are replaced meanwhile. Empty if the campaign
   * is gone.
   * @throws AppError storage_failed
   */
  seedsOf(id: string): IdBlocks;

  /**
   * Users who are suppressed for the campaign, by its own list or the installation's as they are now.
   * @throws AppError storage_failed
   */
  suppressedOf(id: string): IdBlocks;

  /** The last event of each user, in blocks. Empty if the campaign is gone. */
  feedbackOf(id: string): Iterable<readonly Pick<FeedbackEvent, 'userId' | 'event'>[]>;

  close(): void;
}
