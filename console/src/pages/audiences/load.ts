/** Loads the campaigns of the list, filtered and sorted as in the address, and the states of running ones. */
import { type Api, call } from '../../api/client.ts';
import type { Campaign, CampaignQuery, CampaignStatus } from '../../api/types.ts';

/** Maximum number of campaigns in one response, and of ids in one request, as limited by the service. */
const PAGE = 200;

/** What the list shows, and in which order. */
export type Choices = Pick<CampaignQuery, 'search' | 'state' | 'label' | 'created_from' | 'created_to' | 'sort'>;

export interface Found {
  readonly campaigns: readonly Campaign[];
  readonly hasMore: boolean;
}

/** Loads the first `count` campaigns. */
export async function loadCampaigns(api: Api, choices: Choices, count: number, signal: AbortSignal): Promise<Found> {
  const campaigns: Campaign[] = [];
  let cursor: string | null | undefined;
  while (campaigns.length < count && cursor !== null) {
    const limit = Math.min(PAGE, count - campaigns.length);
    const query = { ...choices, limit, ...(cursor && { cursor }) };
    const page = await call(api.GET('/v1/campaigns', { params: { query }, signal }));
    campaigns.push(...page.items);
    cursor = page.next_cursor;
  }
  return { campaigns, hasMore: cursor !== null };
}

/** Loads the states of campaigns by id; deleted campaigns are missing from the result. */
export async function loadStatuses(
  api: Api,
  ids: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, CampaignStatus>> {
  const statuses = new Map<string, CampaignStatus>();
  for (let at = 0; at < ids.length; at += PAGE) {
    const body = { ids: ids.slice(at, at + PAGE) };
    const { items } = await call(api.POST('/v1/campaigns/status', { body, signal }));
    for (const status of items) statuses.set(status.id, status);
  }
  return statuses;
}
