/** Loads the campaigns of the list, filtered as in the address. */
import { type Api, call } from '../../api/client.ts';
import type { Campaign, CampaignState } from '../../api/types.ts';

/** Maximum number of campaigns in one response, as limited by the service. */
const PAGE = 200;

export interface Wanted {
  readonly search: string | undefined;
  readonly state: CampaignState | undefined;
  /** `key=text`. */
  readonly label: string | undefined;
  readonly count: number;
}

export interface Found {
  readonly campaigns: readonly Campaign[];
  readonly hasMore: boolean;
}

/** Loads the newest `count` campaigns. */
export async function loadCampaigns(api: Api, wanted: Wanted, signal: AbortSignal): Promise<Found> {
  const { search, state, label, count } = wanted;
  const filters = { ...(search && { search }), ...(state && { state }), ...(label && { label: [label] }) };
  const campaigns: Campaign[] = [];
  let cursor: string | null | undefined;
  while (campaigns.length < count && cursor !== null) {
    const limit = Math.min(PAGE, count - campaigns.length);
    const query = { ...filters, limit, ...(cursor && { cursor }) };
    const page = await call(api.GET('/v1/campaigns', { params: { query }, signal }));
    campaigns.push(...page.items);
    cursor = page.next_cursor;
  }
  return { campaigns, hasMore: cursor !== null };
}
