/**
 * The campaign that lists are sent to while the form is filled in. It has no expansion, so nothing runs. It stores what
 * was entered, so that the user can continue later; it becomes the audience, or is deleted.
 */
import { type Api, call } from '../../api/client.ts';
import { ApiError } from '../../api/errors.ts';
import type { Caller, CampaignInputs, UserSet } from '../../api/types.ts';
import { ndjsonBody } from '../../lists/ndjson.ts';
import type { Send } from '../../lists/send-ids.ts';
import { DRAFT_NAME } from '../audiences/drafts.tsx';

interface DraftNeeds {
  readonly api: Api;
  readonly caller: Caller;
  /** The draft from before a reload of the page. */
  readonly id: string | null;
  readonly onId: (id: string | null) => void;
}

export class Draft {
  readonly #needs: DraftNeeds;
  #made: Promise<string> | null;
  /** Whether the draft was submitted or discarded: pieces that are still being sent then create no new draft. */
  #isOver = false;
  /** Settles when the last change has been saved: no change may arrive after a later one. */
  #kept: Promise<unknown> = Promise.resolve();

  constructor(needs: DraftNeeds) {
    this.#needs = needs;
    this.#made = needs.id === null ? null : Promise.resolve(needs.id);
  }

  readonly sendSeeds: Send = async (body, isFirst) => {
    const { api } = this.#needs;
    const to = { ...(await this.#at()), ...ndjsonBody(body) };
    return call(isFirst ? api.PUT('/v1/campaigns/{id}/seeds', to) : api.POST('/v1/campaigns/{id}/seeds/add', to));
  };

  /** Previews the list without changing anything. */
  readonly trySuppression: Send = async (body) => {
    const params = { ...(await this.#at()).params, query: { dry_run: 'true' as const } };
    const { api } = this.#needs;
    return call(api.PUT('/v1/campaigns/{id}/suppression', { params, ...ndjsonBody(body) }));
  };

  readonly sendSuppression: Send = async (body, isFirst) => {
    const { api } = this.#needs;
    const to = { ...(await this.#at()), ...ndjsonBody(body) };
    const path = '/v1/campaigns/{id}/suppression';
    return call(isFirst ? api.PUT(path, to) : api.POST(`${path}/add`, to));
  };

  /** The ids that the population does not have, as text. */
  async unknownSeeds(): Promise<Blob> {
    const params = { path: { id: await this.#id() } };
    const headers = { accept: 'text/plain' };
    return call(this.#needs.api.GET('/v1/campaigns/{id}/seeds/unknown', { params, headers, parseAs: 'blob' }));
  }

  /** Updates an existing campaign with what was entered; creates none. */
  keep(inputs: CampaignInputs): Promise<void> {
    const kept = this.#kept.then(async () => {
      if (this.#made === null) return;
      const params = { path: { id: await this.#made } };
      await call(this.#needs.api.PATCH('/v1/campaigns/{id}', { params, body: inputs }));
    });
    this.#kept = kept.catch(() => {});
    return kept;
  }

  /** Like `keep`, but creates the campaign if there is none, so that somebody can continue with it later. */
  async leave(inputs: CampaignInputs): Promise<void> {
    await this.#id();
    await this.keep(inputs);
    this.#made = null;
    this.#isOver = true;
    this.#needs.onId(null);
  }

  /**
   * Starts the campaign's expansion; returns the campaign's id. `isSuppressing`: whether the list that was sent
   * applies. @throws ApiError with JSON pointers to the inputs
   */
  async submit(inputs: CampaignInputs, isSuppressing: boolean): Promise<string> {
    const { api, onId } = this.#needs;
    const params = { path: { id: await this.#id() } };
    await this.#kept;
    await call(api.PATCH('/v1/campaigns/{id}', { params, body: inputs }));
    if (!isSuppressing) await call(api.DELETE('/v1/campaigns/{id}/suppression', { params }));
    await call(api.POST('/v1/campaigns/{id}/expansions', { params }));
    // it is no longer a draft: nothing may discard it
    this.#made = null;
    this.#isOver = true;
    onId(null);
    return params.path.id;
  }

  async discard(): Promise<void> {
    const { api, onId } = this.#needs;
    const made = this.#made;
    this.#isOver = true;
    if (made === null) return;
    this.#made = null;
    onId(null);
    const params = { path: { id: await made } };
    await call(api.DELETE('/v1/campaigns/{id}', { params })).catch((error: unknown) => {
      if (!(error instanceof ApiError && error.status === 404)) throw error;
    });
  }

  /** The customers as the service knows them now; null if none were sent. */
  async seeds(): Promise<UserSet | null> {
    if (this.#made === null) return null;
    const params = { path: { id: await this.#made } };
    return call(this.#needs.api.GET('/v1/campaigns/{id}/seeds', { params }));
  }

  /** Whether the draft's campaign still exists: it may have been deleted while the page was reloaded. */
  async exists(): Promise<boolean> {
    if (this.#made === null) return true;
    const params = { path: { id: await this.#made } };
    try {
      await call(this.#needs.api.GET('/v1/campaigns/{id}', { params }));
      return true;
    } catch (error) {
      if (!(error instanceof ApiError && error.status === 404)) return true;
      this.#made = null;
      this.#needs.onId(null);
      return false;
    }
  }

  /** The campaign's id; creates the campaign if there is none. */
  #id(): Promise<string> {
    if (this.#isOver) return Promise.reject(new Error('The draft is gone.'));
    this.#made ??= this.#make().catch((error: unknown) => {
      this.#made = null;
      throw error;
    });
    return this.#made;
  }

  async #make(): Promise<string> {
    const { api, caller, onId } = this.#needs;
    // a key that is limited to certain labels only sees campaigns that have them
    const body = { name: DRAFT_NAME, seeds: null, audience: { percent: 5 }, labels: caller.labels ?? {} };
    const { id } = await call(api.POST('/v1/campaigns', { body }));
    onId(id);
    return id;
  }

  async #at() {
    return { params: { path: { id: await this.#id() } } };
  }
}
