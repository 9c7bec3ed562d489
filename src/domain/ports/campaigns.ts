/** The port of campaigns: their inputs, and the stored responses to idempotent creations. */
import type { AppError } from '../../lib/errors.ts';
import type { CampaignQuery } from '../campaign-query.ts';
import type { IdempotentRequest } from '../idempotency.ts';
import type { CampaignPage } from '../pages.ts';
import type { ExpansionState } from '../states.ts';
import type { Campaign, CampaignChange, Labels, NewCampaign } from '../types.ts';
import type { Accept } from './accept.ts';

export interface Campaigns {
  /**
   * Records a campaign. If it has seeds, also queues its first expansion, which ends at once as `too_small` if too few
   * seeds are known. The campaign, its expansion and the response stored for `once` are written in one commit.
   * @throws AppError external_id_taken (facts: campaign_id), idempotency_key_reused (as `answerOf`), storage_failed,
   * unavailable; AnsweredBefore if another process has answered the request of `once`
   */
  create(input: NewCampaign, isKnown: (userId: string) => boolean, once?: IdempotentRequest): Promise<Campaign>;

  /**
   * The stored response to a request with this idempotency key in the last day; null if the key is new.
   * @throws AppError idempotency_key_reused (facts: campaign_id)
   */
  answerOf(request: Pick<IdempotentRequest, 'key' | 'requestSha256'>): Promise<string | null>;

  /**
   * Stores the response to a request that made several changes, each of which may be made again.
   * @throws AnsweredBefore if another process has answered the request; AppError idempotency_key_reused, storage_failed
   */
  keepAnswer<Made>(once: IdempotentRequest<Made>, made: Made): Promise<void>;

  /**
   * Changes the named fields of a campaign. A new audience size makes a new audience version, which is active at once.
   * Changed inputs take effect with the next expansion. `accept` is called with the campaign before the change.
   * @throws AppError campaign_not_found, external_id_taken (facts: campaign_id), storage_failed, unavailable; any error
   * that `accept` throws
   */
  update(id: string, change: CampaignChange, accept?: Accept<Campaign>): Promise<Campaign>;

  /**
   * Deletes a campaign with its expansions, audiences, feedback, conversions and files, and drops running work on it.
   * The campaign is gone when the call returns. Its feedback is gone when the promise settles; other work is not
   * blocked until then. The promise resolves to `null`, or to an error if some feedback could not be removed;
   * `removeUnusedFeedback` removes it later. `accept` is called with the campaign. A damaged campaign can be deleted
   * only without `accept`.
   * @throws AppError campaign_not_found, storage_failed, unavailable; any error that `accept` throws
   */
  delete(id: string, accept?: Accept<Campaign>): Promise<AppError | null>;

  find(id: string): Promise<Campaign | null>;

  /** Returns only the labels of the campaign, within microseconds; null if there is no such campaign. */
  findLabels(id: string): Promise<Labels | null>;

  /** @throws AppError campaign_not_found */
  get(id: string): Promise<Campaign>;

  /** The campaigns with one of these ids or external ids, in any order. Damaged campaigns are omitted. */
  findAll(wanted: {
    readonly ids: readonly string[];
    readonly externalIds: readonly string[];
  }): Promise<readonly Campaign[]>;

  /** A page of matching campaigns, newest first by default. @throws AppError invalid_cursor */
  list(query: CampaignQuery): Promise<CampaignPage>;

  /** Number of campaigns by the state of their latest expansion; every state has an entry. */
  countsByState(): Promise<Record<ExpansionState, number>>;
}
