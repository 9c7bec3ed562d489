/** Loads the data of the page of an audience. */
import { type Api, answerOf, call } from '../../api/client.ts';
import type { Campaign, QualityReport } from '../../api/types.ts';

export interface Loaded {
  readonly campaign: Campaign;
  /** ETag for `If-Match`, so that a change by another user is not overwritten. */
  readonly etag: string;
}

export async function loadCampaign(api: Api, id: string, signal?: AbortSignal): Promise<Loaded> {
  const init = { params: { path: { id } }, ...(signal && { signal }) };
  const { data, response } = await answerOf(api.GET('/v1/campaigns/{id}', init));
  return { campaign: data, etag: response.headers.get('etag') ?? '*' };
}

export function loadQuality(api: Api, id: string, signal: AbortSignal): Promise<QualityReport> {
  return call(api.GET('/v1/campaigns/{id}/quality', { params: { path: { id } }, signal }));
}
