/** The client: one method for each HTTP method, and helpers for pages, streams, uploads, changes and waiting. */
import createFetchClient, { mergeHeaders } from 'openapi-fetch';
import type { paths } from '../generated/openapi.d.ts';
import { ConnectionError, ExpansionError, errorOf } from './errors.ts';
import { linesOf } from './lines.ts';
import { isRepeatable, sleep, takesKey, waitBefore } from './retries.ts';
import type {
  Answer,
  Call,
  Campaign,
  Changes,
  Init,
  ItemOf,
  LineOf,
  Method,
  Options,
  PagedPath,
  RawClient,
  Schemas,
  StreamedPath,
  UploadPath,
} from './types.ts';

export interface ClientOptions {
  /** Address of the service, such as `http://localhost:8080`. */
  readonly url: string;
  /** Not needed if the service was started without a key. */
  readonly apiKey?: string | undefined;
  /** Maximum total wait between the attempts of one call; 0 for no retries. One minute by default. */
  readonly retryForMs?: number;
  /** Maximum wait for the headers of a response; half a minute by default. */
  readonly timeoutMs?: number;
  /** Instead of the global `fetch`. */
  readonly fetch?: Fetch;
}

export interface WaitOptions {
  /** Ten minutes by default. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

export interface ChangesOptions {
  /** `next_cursor` of an earlier page; the first change by default. */
  readonly since?: string;
  /** Goes on after the last change, and looks for new ones at this interval, until `signal` is aborted. */
  readonly everyMs?: number;
  readonly signal?: AbortSignal;
}

export interface UploadOptions {
  readonly method: 'PUT' | 'POST';
  readonly type: 'text/plain' | 'text/csv' | 'application/x-ndjson';
  /** `identifier`, `rule`, `consent_basis` and so on. */
  readonly query?: Readonly<Record<string, string | boolean>>;
  readonly path?: { readonly id: string };
  readonly isGzip?: boolean;
  readonly signal?: AbortSignal;
}

type Fetch = (request: Request, init?: RequestInit) => Promise<Response>;

/** An attempt without a successful response; the response is null if there was none. */
interface Failure {
  readonly error: Error;
  readonly response: Response | null;
}

/** What the code below reads of the options of a call, whichever its route is. */
interface AnyInit {
  readonly params?: { readonly path?: object; readonly query?: object; readonly header?: Record<string, string> };
  readonly headers?: Record<string, string>;
  readonly body?: unknown;
  readonly signal?: AbortSignal | null;
  readonly parseAs?: string;
}
type AnyCall = (
  method: Method,
  path: string,
  init: AnyInit,
) => Promise<{ readonly data?: unknown; readonly error?: unknown; readonly response: Response }>;
type FileBody = NonNullable<RequestInit['body']>;

/** Statuses of a busy service, which has done nothing. */
const BUSY: readonly number[] = [429, 503];
const POLL_MS = 100;
const LONGEST_POLL_MS = 2_000;

export class MetaheacClient {
  readonly GET = this.#method('get');
  readonly PUT = this.#method('put');
  readonly POST = this.#method('post');
  readonly PATCH = this.#method('patch');
  readonly DELETE = this.#method('delete');
  readonly #request: AnyCall;
  readonly #retryForMs: number;
  readonly #fetch: Fetch;

  /** @throws TypeError if `url` is not a URL */
  constructor({ url, apiKey, retryForMs = 60_000, timeoutMs = 30_000, fetch = globalThis.fetch }: ClientOptions) {
    const raw: RawClient = createFetchClient<paths, 'application/json'>({
      baseUrl: new URL(url).href,
      fetch: (request) => fetchInTime(fetch, request, timeoutMs),
      ...(apiKey === undefined ? {} : { headers: { authorization: `Bearer ${apiKey}` } }),
    });
    this.#request = raw.request as AnyCall;
    this.#retryForMs = retryForMs;
    this.#fetch = fetch;
  }

  /** Yields the items of a list, page by page. */
  async *items<P extends PagedPath, I extends Init<P, 'get'>>(
    path: P,
    ...[options]: Options<I>
  ): AsyncGenerator<ItemOf<P>, void, undefined> {
    const init = (options ?? {}) as AnyInit;
    let cursor: string | null | undefined;
    do {
      const query = { ...init.params?.query, ...(cursor === undefined ? {} : { cursor }) };
      const { data } = await this.#call('get', path, { ...init, params: { ...init.params, query } });
      const page = data as { readonly items: readonly ItemOf<P>[]; readonly next_cursor: string | null };
      yield* page.items;
      cursor = page.next_cursor;
    } while (cursor !== null);
  }

  /**
   * Yields pages of the change feed, oldest first. Store `next_cursor` after a page has been processed: it is the
   * `since` of the next call.
   */
  async *changes({ since, everyMs, signal }: ChangesOptions = {}): AsyncGenerator<Changes, void, undefined> {
    for (let cursor = since; ; ) {
      const query = cursor === undefined ? {} : { since: cursor };
      const { data } = await this.#call('get', '/v1/changes', { params: { query }, signal: signal ?? null });
      const page = data as Changes;
      if (page.items.length > 0 || everyMs === undefined) yield page;
      cursor = page.next_cursor;
      if (page.has_more) continue;
      if (everyMs === undefined) return;
      await sleep(everyMs, signal);
    }
  }

  /**
   * Returns the response of an export, unread: `body` is a stream, and the headers describe the audience
   * (`X-Audience-Version`, `X-Next-Cursor`, ..). `accept` is a format of the route, such as `text/csv`.
   */
  async stream<P extends StreamedPath | '/v1/campaigns/{id}/model', I extends Init<P, 'get'>>(
    path: P,
    accept: string,
    ...[options]: Options<I>
  ): Promise<Response & { readonly body: ReadableStream<Uint8Array> }> {
    const init = (options ?? {}) as AnyInit;
    const headers = { ...init.headers, accept };
    const { response, data } = await this.#call('get', path, { ...init, headers, parseAs: 'stream' });
    if (data === undefined || data === null) throw new ConnectionError('the response has no body');
    return response as Response & { readonly body: ReadableStream<Uint8Array> };
  }

  /** Yields the lines of an NDJSON export as they arrive: members, users of a difference, unknown ids. */
  async *lines<P extends StreamedPath, I extends Init<P, 'get'>>(
    path: P,
    ...options: Options<I>
  ): AsyncGenerator<LineOf<P>, void, undefined> {
    const { body } = await this.stream<P, I>(path, 'application/x-ndjson', ...options);
    try {
      for await (const line of linesOf(body)) yield JSON.parse(line) as LineOf<P>;
    } catch (error) {
      throw isOfNetwork(error) ? new ConnectionError('the export ended early', { cause: error }) : error;
    }
  }

  /**
   * Sends a list of users as a file. A string, bytes or a Blob (`openAsBlob` of node:fs reads it from disk in
   * pieces) are sent again if the service is busy; a ReadableStream can be sent only once.
   */
  async upload(path: UploadPath, body: FileBody, options: UploadOptions): Promise<Schemas['UserSet']> {
    const { method, type, query = {}, path: place = {}, isGzip = false, signal } = options;
    const init = {
      params: { path: place, query },
      headers: { 'content-type': type, ...(isGzip ? { 'content-encoding': 'gzip' } : {}) },
      body,
      bodySerializer: (file: FileBody) => file,
      ...(body instanceof ReadableStream ? { duplex: 'half' } : {}),
      // a large file takes longer than the time limit
      fetch: (request: Request) => this.#fetch(request),
      signal: signal ?? null,
    };
    return (await this.#call(method.toLowerCase() as Method, path, init)).data as Schemas['UserSet'];
  }

  /**
   * Waits until the latest expansion of a campaign is `ready`; returns the campaign.
   * @throws ExpansionError if it ends in another way, or nothing was queued; DOMException TimeoutError after the limit
   */
  async waitUntilReady(id: string, { timeoutMs = 600_000, signal }: WaitOptions = {}): Promise<Campaign> {
    const limit = AbortSignal.timeout(timeoutMs);
    const either = signal === undefined ? limit : AbortSignal.any([limit, signal]);
    for (let pauseMs = POLL_MS; ; pauseMs = Math.min(LONGEST_POLL_MS, 1.5 * pauseMs)) {
      const init = { params: { path: { id } }, signal: either };
      const campaign = (await this.#call('get', '/v1/campaigns/{id}', init)).data as Campaign;
      if (campaign.state === 'ready') return campaign;
      // a newer expansion replaces one that is superseded
      if (!['queued', 'adapting', 'scoring', 'superseded'].includes(campaign.state ?? ''))
        throw new ExpansionError(campaign);
      await sleep(pauseMs, either);
    }
  }

  #method<M extends Method>(method: M): Call<M> {
    const call = (path: string, init: AnyInit = {}) => this.#call(method, path, init);
    return call as Call<M>;
  }

  /** Sends a request until there is a final response. All attempts have the same idempotency key. */
  async #call(method: Method, path: string, init: AnyInit): Promise<Answer<unknown>> {
    const headers = mergeHeaders(init.headers, init.params?.header);
    if (takesKey(method, path) && !headers.has('idempotency-key')) headers.set('idempotency-key', crypto.randomUUID());
    const attempt = { ...init, headers: Object.fromEntries(headers) };
    const isSentOnce = init.body instanceof ReadableStream;
    let waitedMs = 0;
    let isPerhapsDone = false;
    for (let number = 1; ; number++) {
      const outcome = await this.#attempt(method, path, attempt);
      if (!('error' in outcome)) return outcome;
      const { error, response } = outcome;
      // an earlier attempt deleted it, and its response was lost
      if (method === 'delete' && isPerhapsDone && response?.status === 404) return { data: undefined, response };
      const isRefused = response !== null && BUSY.includes(response.status);
      const isRepeated = isRefused || (response === null && isRepeatable(method, path, headers));
      const waitMs = isRepeated && !isSentOnce ? waitBefore(number, response) : null;
      if (waitMs === null || waitedMs + waitMs > this.#retryForMs) throw error;
      isPerhapsDone ||= response === null;
      await sleep(waitMs, init.signal);
      waitedMs += waitMs;
    }
  }

  async #attempt(method: Method, path: string, init: AnyInit): Promise<Answer<unknown> | Failure> {
    try {
      const { data, error, response } = await this.#request(method, path, init);
      if (response.ok || response.status === 304) return { data, response };
      return { error: errorOf(error, response), response };
    } catch (error) {
      if (init.signal?.aborted || !isOfNetwork(error)) throw error;
      return { error: new ConnectionError('the service cannot be reached', { cause: error }), response: null };
    }
  }
}

/** Also of a connection that breaks while a body is read. */
function isOfNetwork(error: unknown): boolean {
  return error instanceof TypeError || (error instanceof DOMException && error.name === 'TimeoutError');
}

/** The limit is for the headers: a body may stream for hours. */
async function fetchInTime(fetch: Fetch, request: Request, timeoutMs: number): Promise<Response> {
  const limit = new AbortController();
  const stop = () => limit.abort(new DOMException(`no response in ${timeoutMs} ms`, 'TimeoutError'));
  const timer = setTimeout(stop, timeoutMs);
  try {
    return await fetch(request, { signal: AbortSignal.any([request.signal, limit.signal]) });
  } finally {
    clearTimeout(timer);
  }
}
