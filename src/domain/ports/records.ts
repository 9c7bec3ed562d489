/** The port of training data for models: campaigns and their results. A service may be running while they are read. */
import type { FeedbackEvent } from '../feedback.ts';
import type { IdBlocks } from '../id-blocks.ts';
import type { Campaign } from '../types.ts';

/** A campaign with seeds whose latest expansion ended as `ready`. */
export type CampaignRecord = Pick<Campaign, 'id' | 'externalId' | 'name' | 'features' | 'filters' | 'createdAt'> & {
  /**
   * Names of the campaign's and the global suppression list; null for a list that does not exist. Equal lists have
   * equal names.
   */
  readonly suppression: string | null;
  readonly commonSuppression: string | null;
};

/** Users with their latest events. A block is read when it is requested. */
export type FeedbackBlocks =
  | Iterable<readonly Pick<FeedbackEvent, 'userId' | 'event'>[]>
  | AsyncIterable<readonly Pick<FeedbackEvent, 'userId' | 'event'>[]>;

export interface CampaignRecords {
  /** The campaigns, oldest first. */
  ready(): Promise<readonly CampaignRecord[]>;

  /** Number of campaigns that have no seeds or whose latest expansion produced no audience. */
  countOthers(): Promise<number>;

  /**
   * The campaign's current seeds or negatives, sorted, one block at a time. The list is complete even if the set is
   * replaced in the meantime. The list is empty if the campaign no longer exists.
   * @throws AppError storage_failed
   */
  usersOf(kind: 'seeds' | 'negatives', id: string): Promise<IdBlocks>;

  /**
   * Users on the current suppression list of the campaign or of the installation.
   * @throws AppError storage_failed
   */
  suppressedOf(id: string): Promise<IdBlocks>;

  /** The latest feedback event of each user, in blocks. If the campaign no longer exists, there are no blocks. */
  feedbackOf(id: string): Promise<FeedbackBlocks>;

  close(): Promise<void>;
}
