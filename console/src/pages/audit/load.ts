/** Loads the entries of the audit log, and reverses the order of the service to newest first. */
import { type Api, answerOf, call } from '../../api/client.ts';

export interface Entry {
  readonly time: string;
  /** Who made the change: the id of a key, `admin`, `local` or `anonymous`. */
  readonly actor: string;
  readonly address: string | null;
  readonly action: string;
  readonly resource: string | null;
  readonly resource_id: string | null;
  readonly status: number | null;
  readonly request_id: string | null;
}

export interface Log {
  readonly entries: readonly Entry[];
  /** Whether earlier entries of the time span are missing. */
  readonly isCut: boolean;
  /** Names of keys by id. */
  readonly names: ReadonlyMap<string, string>;
}

/** Maximum number of entries in one response, as limited by the service. */
const PAGE = 10_000;
const MOST_ENTRIES = 5_000;
const KEYS = 200;

/** Loads the entries since an RFC 3339 time, or all entries if `since` is null. */
export async function loadLog(api: Api, since: string | null, signal: AbortSignal): Promise<Log> {
  const { items: keys } = await call(api.GET('/v1/keys', { params: { query: { limit: KEYS } }, signal }));
  let entries: Entry[] = [];
  let isCut = false;
  let cursor: string | null = null;
  do {
    const page = await loadPage(
      api,
      { limit: PAGE, ...(since !== null && { since }), ...(cursor && { cursor }) },
      signal,
    );
    entries.push(...page.entries);
    isCut ||= entries.length > MOST_ENTRIES;
    entries = entries.slice(-MOST_ENTRIES);
    cursor = page.next;
  } while (cursor !== null);
  return { entries: entries.reverse(), isCut, names: new Map(keys.map(({ id, name }) => [id, name])) };
}

interface Query {
  readonly limit: number;
  readonly since?: string;
  readonly cursor?: string;
}

async function loadPage(api: Api, query: Query, signal: AbortSignal) {
  const { data, response } = await answerOf(api.GET('/v1/audit', { params: { query }, parseAs: 'text', signal }));
  const entries = data
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Entry);
  return { entries, next: response.headers.get('x-next-cursor') };
}
