/**
 * The draft: a campaign to which lists are sent while the user fills in the form. A draft has no expansion, so nothing
 * runs. It stores the input, so that the user can continue later. Finally, the draft becomes the audience or is
 * deleted.
 */
import { type Api, call } from '../../api/client.ts';
import { ApiError } from '../../api/errors.ts';
import type { Caller, CampaignInputs, UserSet } from '../../api/types.ts';
import type { ListQuery } from '../../lists/list.ts';
import { ndjsonBody } from '../../lists/ndjson.ts';
import type { Send } from '../../lists/send-ids.ts';
import { DRAFT_NAME } from '../audiences/drafts.tsx';

interface DraftDependencies {
  readonly api: Api;
  readonly caller: Caller;
  /** The draft from before a reload of the page. */
  readonly id: string | null;
  readonly onId: (id: string | null) => void;
}

export class Draft {
  readonly #needs: DraftDependencies;
  #made: Promise<string> | null;
  /** Whether the draft was submitted or discarded. If it was, pieces that are still being sent create no new draft. */
  #isOver = false;
  /** Settles when the last change has been saved, so that changes arrive in order. */
  #kept: Promise<unknown> = Promise.resolve();

  constructor(needs: DraftDependencies) {
    this.#needs = needs;
    this.#made = needs.id === null ? null : Promise.resolve(needs.id);
  }

  /** Returns the function that sends a list with this query. */
  readonly sendTo =
    (list: 'seeds' | 'negatives' | 'suppression') =>
    (query: ListQuery): Send =>
    async (body, isFirst) => {
      const { api } = this.#needs;
      const to = { params: { path: { id: await this.#id() }, query }, ...ndjsonBody(body) };
      const path = `/v1/campaigns/{id}/${list}` as const;
      return call(isFirst ? api.PUT(path, to) : api.POST(`${path}/add`, to));
    };

  /** Like `sendTo`, but changes nothing. */
  readonly tryWith =
    (of: ListQuery): Send =>
    async (body) => {
      const query = { ...of, dry_run: 'true' as const };
      const params = { path: { id: await this.#id() }, query };
      return call(this.#needs.api.PUT('/v1/campaigns/{id}/suppression', { params, ...ndjsonBody(body) }));
    };

  /** Returns the ids that are not in the population as text. */
  async unknownSeeds(): Promise<Blob> {
    const params = { path: { id: await this.#id() } };
    const headers = { accept: 'text/plain' };
    return call(this.#needs.api.GET('/v1/campaigns/{id}/seeds/unknown', { params, headers, parseAs: 'blob' }));
  }

  /** Updates an existing campaign with the input, but creates no campaign. */
  keep(inputs: CampaignInputs): Promise<void> {
    const kept = this.#kept.then(async () => {
      if (this.#made === null) return;
      const params = { path: { id: await this.#made } };
      await call(this.#needs.api.PATCH('/v1/campaigns/{id}', { params, body: inputs }));
    });
    this.#kept = kept.catch(() => {});
    return kept;
  }

  /** Saves the input to the campaign, so that a user can continue later. Creates the campaign if there is none. */
  async leave(inputs: CampaignInputs): Promise<void> {
    await this.#id();
    await this.keep(inputs);
    this.#made = null;
    this.#isOver = true;
    this.#needs.onId(null);
  }

  /**
   * Saves the inputs, starts the expansion and returns the id of the campaign. `lists` says which of the sent lists
   * apply.
   * @throws ApiError with JSON pointers to the inputs
   */
  async submit(
    inputs: CampaignInputs,
    lists: { readonly suppression: boolean; readonly negatives: boolean },
  ): Promise<string> {
    const { api, onId } = this.#needs;
    const params = { path: { id: await this.#id() } };
    await this.#kept;
    await call(api.PATCH('/v1/campaigns/{id}', { params, body: inputs }));
    if (!lists.suppression) await call(api.DELETE('/v1/campaigns/{id}/suppression', { params }));
    if (!lists.negatives) await call(api.DELETE('/v1/campaigns/{id}/negatives', { params }));
    await call(api.POST('/v1/campaigns/{id}/expansions', { params }));
    // the campaign is no longer a draft, so it must not be discarded
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

  /** Returns the current match report of the customers, or null if no customers were sent. */
  async seeds(): Promise<UserSet | null> {
    if (this.#made === null) return null;
    const params = { path: { id: await this.#made } };
    return call(this.#needs.api.GET('/v1/campaigns/{id}/seeds', { params }));
  }

  /** Whether the campaign of the draft still exists. The campaign may have been deleted while the page was reloaded. */
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

  /** Returns the id of the campaign, which is created if there is none. */
  #id(): Promise<string> {
    if (this.#isOver) return Promise.reject(new Error('The draft no longer exists.'));
    this.#made ??= this.#make().catch((error: unknown) => {
      this.#made = null;
      throw error;
    });
    return this.#made;
  }

  async #make(): Promise<string> {
    const { api, caller, onId } = this.#needs;
    // a key with labels sees only campaigns that have these labels
    const body = { name: DRAFT_NAME, seeds: null, audience: { percent: 5 }, labels: caller.labels ?? {} };
    const { id } = await call(api.POST('/v1/campaigns', { body }));
    onId(id);
    return id;
  }
}
