/** The port of campaigns: their inputs, and the stored responses to idempotent creations. */
import type { AppError } from '../../lib/errors.ts';
import type { ExpansionState } from '../states.ts';
import type {
  Campaign,
  CampaignChange,
  CampaignPage,
  CampaignQuery,
  IdempotentRequest,
  Labels,
  NewCampaign,
} from '../types.ts';

export interface Campaigns {
  /**
   * Records a campaign; if it has seeds, queues its first expansion, which is too_small at once if too few of them are
   * known. The campaign, its expansion and the response stored for `once` are one commit.
   * @throws AppError external_id_taken (facts: campaign_id), storage_failed, unavailable
   */
  create(input: NewCampaign, isKnown: (userId: string) => boolean, once?: IdempotentRequest): Campaign;

  /**
   * The response to a request with this key in the last day; null if the key is new.
   * @throws AppError idempotency_key_reused (facts: campaign_id)
   */
  answerOf(request: Pick<IdempotentRequest, 'key' | 'requestSha256'>): string | null;

  /**
   * Changes the named fields. A new audience size makes a new version of the ranking, active at once; changed inputs
   * take effect with the next expansion.
   * @throws AppError campaign_not_found, external_id_taken (facts: campaign_id), storage_failed, unavailable
   */
  update(id: string, change: CampaignChange): Campaign;

  /**
   * Deletes a campaign with its expansions, audiences, feedback and files; running work on it is dropped. The campaign
   * is gone when the call returns; the promise settles when its feedback is gone too, without blocking other work. It
   * resolves with `null`, or with the error because of which some feedback remains; `removeUnusedFeedback` removes that
   * feedback later.
   * @throws AppError campaign_not_found, storage_failed, unavailable
   */
  delete(id: string): Promise<AppError | null>;

  find(id: string): Campaign | null;

  /** Only the labels of the campaign, which takes microseconds; null if there is no such campaign. */
  findLabels(id: string): Labels | null;

  /** @throws AppError campaign_not_found */
  get(id: string): Campaign;

  /** Newest first. @throws AppError invalid_cursor */
  list(query: CampaignQuery): CampaignPage;

  /** Number of campaigns by the state of their latest expansion; every state has an entry. */
  countsByState(): Record<ExpansionState, number>;
}
