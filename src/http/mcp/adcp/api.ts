/** Calls of the API by the tools of AdCP. */
import { JSON_TYPE, TEXT_TYPE } from '../../../lib/media-types.ts';
import type { CallApi } from '../agent-tool.ts';
import { faultOf } from './fault.ts';

export interface Api {
  get<T>(url: string): Promise<T>;
  /** Sends a body as JSON. */
  send<T>(method: 'POST' | 'PATCH' | 'DELETE', url: string, body?: unknown, key?: string): Promise<T>;
  /** Sends user ids, one per line. */
  upload(method: 'POST' | 'PUT', url: string, lines: Iterable<string>): Promise<unknown>;
}

/** Returns functions that return JSON. @throws AdcpFault */
export function apiOf(call: CallApi): Api {
  const request = async <T>(
    method: string,
    url: string,
    { type, body, key }: { readonly type?: string; readonly body?: string | Iterable<string>; readonly key?: string },
  ): Promise<T> => {
    const headers = {
      accept: JSON_TYPE,
      ...(type !== undefined && { 'content-type': type }),
      ...(key !== undefined && { 'idempotency-key': key }),
    };
    const response = await call({ method, url, headers, body });
    if (response.status >= 400) throw faultOf(response);
    return (response.body === '' ? null : JSON.parse(response.body)) as T;
  };
  return {
    get: async (url) => request('GET', url, {}),
    send: async (method, url, body, key) =>
      request(method, url, {
        ...(body !== undefined && { type: JSON_TYPE, body: JSON.stringify(body) }),
        ...(key !== undefined && { key }),
      }),
    upload: async (method, url, lines) => request(method, url, { type: TEXT_TYPE, body: lines }),
  };
}

/** The fields of a campaign that are read here. */
export interface CampaignFields {
  readonly id: string;
  readonly external_id: string | null;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly state: string | null;
  readonly needs_expansion: boolean;
  readonly audience_version: number | null;
  readonly size: number | null;
  readonly updated_at: string;
}

/** All campaigns that `query` matches, page by page. */
export async function listCampaigns(api: Api, query: Readonly<Record<string, string>>): Promise<CampaignFields[]> {
  const found: CampaignFields[] = [];
  let cursor: string | null = null;
  do {
    const parameters = new URLSearchParams({ ...query, ...(cursor !== null && { cursor }) });
    const page: { readonly items: readonly CampaignFields[]; readonly next_cursor: string | null } = await api.get(
      `/v1/campaigns?${parameters}`,
    );
    found.push(...page.items);
    cursor = page.next_cursor;
  } while (cursor !== null);
  return found;
}
