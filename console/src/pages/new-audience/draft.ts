/**
 * The campaign that lists are sent to while the form is filled in: a campaign without an expansion, so nothing runs. It
 * becomes the audience, or is deleted.
 */
import { type Api, call } from '../../api/client.ts';
import { ApiError } from '../../api/errors.ts';
import type { Caller, CampaignInputs, UserSet } from '../../api/types.ts';

export interface Draft {
  /** Its campaign, made at the first need. */
  readonly id: () => Promise<string>;
  sendSeeds(lines: string, isFirst: boolean, signal: AbortSignal): Promise<UserSet>;
  /** Tells what would come of it, and changes nothing. */
  trySuppression(lines: string, isFirst: boolean, signal: AbortSignal): Promise<UserSet>;
  sendSuppression(lines: string, isFirst: boolean, signal: AbortSignal): Promise<UserSet>;
  dropSeeds(): Promise<void>;
  dropSuppression(): Promise<void>;
  /** The ids that the population does not have, as text. */
  unknownSeeds(): Promise<Blob>;
  /** Starts the expansion of it; its id. @throws ApiError with pointers of the inputs */
  submit(inputs: CampaignInputs): Promise<string>;
  discard(): Promise<void>;
}

interface DraftNeeds {
  readonly api: Api;
  readonly caller: Caller;
  /** Of before a reload. */
  readonly id: string | null;
  readonly onId: (id: string | null) => void;
  /** A text that no other call has. */
  readonly newKey: () => string;
}

const NDJSON = { 'content-type': 'application/x-ndjson' };

export function createDraft({ api, caller, id: restored, onId, newKey }: DraftNeeds): Draft {
  let made: Promise<string> | null = restored === null ? null : Promise.resolve(restored);
  const id = () => {
    made ??= make(api, caller, onId).catch((error: unknown) => {
      made = null;
      throw error;
    });
    return made;
  };
  const at = async (signal: AbortSignal, query: { dry_run?: 'true' } = {}) => ({
    params: { path: { id: await id() }, query },
    ...{ headers: NDJSON, bodySerializer: (body: unknown) => body as string, signal },
  });
  return {
    id,
    async sendSeeds(body, isFirst, signal) {
      const to = { ...(await at(signal)), body };
      return call(isFirst ? api.PUT('/v1/campaigns/{id}/seeds', to) : api.POST('/v1/campaigns/{id}/seeds/add', to));
    },
    async trySuppression(body, _isFirst, signal) {
      return call(api.PUT('/v1/campaigns/{id}/suppression', { ...(await at(signal, { dry_run: 'true' })), body }));
    },
    async sendSuppression(body, isFirst, signal) {
      const to = { ...(await at(signal)), body };
      const path = '/v1/campaigns/{id}/suppression';
      return call(isFirst ? api.PUT(path, to) : api.POST(`${path}/add`, to));
    },
    async dropSeeds() {
      if (made === null) return;
      await call(api.DELETE('/v1/campaigns/{id}/seeds', { params: { path: { id: await made } } }));
    },
    async dropSuppression() {
      if (made === null) return;
      await call(api.DELETE('/v1/campaigns/{id}/suppression', { params: { path: { id: await made } } }));
    },
    async unknownSeeds() {
      const params = { path: { id: await id() } };
      const headers = { accept: 'text/plain' };
      return call(api.GET('/v1/campaigns/{id}/seeds/unknown', { params, headers, parseAs: 'blob' }));
    },
    async submit(inputs) {
      const path = { id: await id() };
      await call(api.PATCH('/v1/campaigns/{id}', { params: { path }, body: inputs }));
      const header = { 'idempotency-key': newKey() };
      await call(api.POST('/v1/campaigns/{id}/expansions', { params: { path, header } }));
      // it is a draft no more: nothing may discard it
      made = null;
      onId(null);
      return path.id;
    },
    async discard() {
      if (made === null) return;
      const params = { path: { id: await made } };
      made = null;
      onId(null);
      await call(api.DELETE('/v1/campaigns/{id}', { params })).catch(unlessGone);
    },
  };
}

async function make(api: Api, caller: Caller, onId: DraftNeeds['onId']): Promise<string> {
  // a key of certain labels sees only campaigns that have them
  const body = { name: 'Draft', seeds: null, audience: { percent: 5 }, labels: caller.labels ?? {} };
  const { id } = await call(api.POST('/v1/campaigns', { body }));
  onId(id);
  return id;
}

function unlessGone(error: unknown): void {
  if (!(error instanceof ApiError && error.status === 404)) throw error;
}
