/** Actions on many audiences, each with a request per audience. */
import { type Api, call } from '../../api/client.ts';
import { ApiError } from '../../api/errors.ts';
import type { Campaign } from '../../api/types.ts';
import { isRunning } from './words.ts';

export interface BulkAction {
  readonly title: string;
  readonly doing: string;
  /** Returns a sentence for a number of audiences ("3 audiences"). */
  readonly done: (audiences: string) => string;
  /** Whether the action makes sense for the audience in its state. */
  readonly suits: (campaign: Campaign) => boolean;
  readonly request: (api: Api, campaign: Campaign) => Promise<unknown>;
}

export const REBUILD: BulkAction = {
  title: 'Rebuild',
  doing: 'Starting rebuilds',
  done: (audiences) => `Started to rebuild ${audiences}.`,
  suits: (campaign) => campaign.state !== null && !isRunning(campaign),
  request: (api, { id }) => call(api.POST('/v1/campaigns/{id}/expansions', { params: { path: { id } } })),
};

export const CANCEL: BulkAction = {
  title: 'Cancel builds',
  doing: 'Cancelling builds',
  done: (audiences) => `Cancelled the builds of ${audiences}.`,
  suits: isRunning,
  request: (api, { id, expansion_id: expansion }) => {
    const path = { id, expansion_id: expansion ?? '' };
    return call(api.POST('/v1/campaigns/{id}/expansions/{expansion_id}/cancel', { params: { path } }));
  },
};

export const DELETE: BulkAction = {
  title: 'Delete',
  doing: 'Deleting',
  done: (audiences) => `Deleted ${audiences}.`,
  suits: () => true,
  request: (api, { id }) => call(api.DELETE('/v1/campaigns/{id}', { params: { path: { id } } })).catch(ignoreDeleted),
};

/** An audience that another user has deleted needs no deletion. */
function ignoreDeleted(error: unknown): void {
  if (!(error instanceof ApiError && error.code === 'campaign_not_found')) throw error;
}
