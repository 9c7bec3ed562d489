/** Calls of the API by the tools of AdCP. */
import type { CallApi } from '../agent-tool.ts';
import { faultOf } from './fault.ts';

export interface Api {
  get<T>(url: string): Promise<T>;
  send<T>(method: 'POST' | 'PUT' | 'PATCH' | 'DELETE', url: string, body?: unknown, key?: string): Promise<T>;
}

/** Returns functions that return JSON. A string is sent as text, other bodies as JSON. @throws AdcpFault */
export function apiOf(call: CallApi): Api {
  const request = async <T>(method: string, url: string, body?: unknown, key?: string): Promise<T> => {
    const isText = typeof body === 'string';
    const headers = {
      accept: 'application/json',
      ...(body !== undefined && { 'content-type': isText ? 'text/plain' : 'application/json' }),
      ...(key !== undefined && { 'idempotency-key': key }),
    };
    const text = body === undefined || isText ? body : JSON.stringify(body);
    const response = await call({ method, url, headers, body: text });
    if (response.status >= 400) throw faultOf(response);
    return (response.body === '' ? null : JSON.parse(response.body)) as T;
  };
  return { get: async (url) => request('GET', url), send: request };
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
