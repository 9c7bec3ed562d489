/** The port of campaigns: their inputs, and the answers that idempotent creations got. */
import type { ExpansionState } from '../states.ts';
import type {
  Campaign,
  CampaignChange,
  CampaignPage,
  CampaignQuery,
  IdempotentRequest,
  NewCampaign,
} from '../types.ts';

export interface Campaigns {
  /**
   * Records a campaign; with seeds, queues its first expansion, which is too_small at once where too few of them are
   * known. The campaign, its expansion and the answer that is kept for `once` are one commit.
   * @throws AppError external_id_taken (facts: campaign_id), storage_failed, unavailable
   */
  create(input: NewCampaign, isKnown: (userId: string) => boolean, once?: IdempotentRequest): Campaign;

  /**
   * The answer that a request of this key got in the last day; null where it is new.
   * @throws AppError idempotency_key_reused (facts: campaign_id)
   */
  answerOf(request: Pick<IdempotentRequest, 'key' | 'requestSha256'>): string | null;

  /**
   * Changes what is named. Another size of the audience is another version of its ranking, active at once; inputs wait
   * for an expansion.
   * @throws AppError campaign_not_found, external_id_taken (facts: campaign_id), storage_failed, unavailable
   */
  update(id: string, change: CampaignChange): Campaign;

  /**
   * Removes a campaign with its expansions, audiences and files; work at it is dropped. `removeUnusedFeedback` is to
   * follow.
   * @throws AppError campaign_not_found, storage_failed, unavailable
   */
  delete(id: string): void;

  find(id: string): Campaign | null;

  /** @throws AppError campaign_not_found */
  get(id: string): Campaign;

  /** Newest first. @throws AppError invalid_cursor */
  list(query: CampaignQuery): CampaignPage;

  /** Campaigns by the state of their latest expansion; every state has an entry. */
  countsByState(): Record<ExpansionState, number>;
}
