/** The port of what campaigns came to, from which models learn: read beside a running service. */

import type { FeedbackEvent } from '../feedback.ts';
import type { Campaign } from '../types.ts';
import type { IdBlocks } from '../user-sets.ts';

/** A campaign with seeds whose latest expansion ended as `ready`. */
export type CampaignRecord = Pick<Campaign, 'id' | 'externalId' | 'name' | 'features' | 'filters' | 'createdAt'> & {
  /** Names of its suppression list and of the installation's: equal lists have equal names; null for none. */
  readonly suppression: string | null;
  readonly commonSuppression: string | null;
};

export interface CampaignRecords {
  /** The oldest first. */
  ready(): readonly CampaignRecord[];

  /** Campaigns that are not among them: without seeds, or without an audience of their latest expansion. */
  countOthers(): number;

  /**
   * The seeds as they are now, in order, one block at a time; whole, even if they are replaced meanwhile. None if the
   * campaign is gone.
   * @throws AppError storage_failed
   */
  seedsOf(id: string): IdBlocks;

  /**
   * Users who are suppressed for the campaign: by its own list, and by the installation's, as they are now.
   * @throws AppError storage_failed
   */
  suppressedOf(id: string): IdBlocks;

  /** The last event of each user, in blocks. None if the campaign is gone. */
  feedbackOf(id: string): Iterable<readonly Pick<FeedbackEvent, 'userId' | 'event'>[]>;

  close(): void;
}
