/** Calls a running service over its API. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { AppError, messageOf, UsageError } from '../../../lib/errors.ts';

/** Maximum wait for a response. */
const ANSWER_MS = 30_000;

/**
 * Maximum number and total duration of attempts if the response is 503 or 429; `Retry-After` says when to try again.
 */
const MOST_TRIES = 6;
const MOST_WAITING_MS = 60_000;
/** Wait before the first retry if the response has no `Retry-After`; the wait doubles with each retry. */
const FIRST_WAIT_MS = 500;

export interface ClientDependencies {
  /** Called before each wait, with a sentence for the user. */
  readonly note?: (text: string) => void;
  readonly wait?: (ms: number) => Promise<void>;
}

/** A request. Its headers take precedence over those of the client. */
interface ServiceRequest {
  readonly method: string;
  /** Path with query. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
}

export class ServiceClient {
  readonly #url: string;
  readonly #key: string | undefined;
  readonly #note: (text: string) => void;
  readonly #wait: (ms: number) => Promise<unknown>;

  /** @throws UsageError if `url` is not an http address */
  constructor(url: string, key: string | undefined, { note = () => {}, wait = sleep }: ClientDependencies = {}) {
    if (!/^https?:$/.test(protocolOf(url)))
      throw new UsageError(`--url "${url}" is not an address like http://127.0.0.1:8080`);
    this.#url = url.replace(/\/+$/, '');
    this.#key = key;
    this.#note = note;
    this.#wait = wait;
  }

  /**
   * Returns the JSON of a 2xx response, with the retries of `send`.
   * @throws AppError unavailable if no service answers; for any other response, an error whose message is the text of
   * the problem (facts: `detail` is the same text, `problem` is the code)
   */
  async call<T>(method: 'GET' | 'POST', path: string): Promise<T> {
    return read<T>(await this.send({ method, path }));
  }

  /**
   * Returns the response. If the service is busy or closing (503 or 429), the request is repeated for up to a minute.
   * This is safe because all attempts use the same idempotency key, and a refused request has no effect.
   * @throws AppError unavailable if no service answers
   */
  async send({ method, path, headers: own = {}, body }: ServiceRequest): Promise<Response> {
    const headers: Record<string, string> = {
      ...(this.#key === undefined ? {} : { authorization: `Bearer ${this.#key}` }),
      ...(method === 'POST' ? { 'idempotency-key': randomUUID() } : {}),
      ...own,
    };
    const request = { method, headers, ...(body === undefined ? {} : { body }) };
    let waited = 0;
    for (let tries = 1; ; tries++) {
      const response = await this.#fetch(path, request);
      const ms = waitOf(response, tries);
      if (ms === null || tries === MOST_TRIES || waited + ms > MOST_WAITING_MS) return response;
      await response.body?.cancel();
      this.#note(`the service is busy (${response.status}): retrying in ${Math.ceil(ms / 1000)} s`);
      await this.#wait(ms);
      waited += ms;
    }
  }

  async #fetch(path: string, request: RequestInit): Promise<Response> {
    try {
      return await fetch(`${this.#url}${path}`, { ...request, signal: AbortSignal.timeout(ANSWER_MS) });
    } catch (error) {
      const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
      throw new AppError('unavailable', `no service answers at ${this.#url}: ${messageOf(cause)}`, { cause: error });
    }
  }
}

/** Milliseconds until a refused request may be repeated; null for a final response. */
function waitOf(response: Response, tries: number): number | null {
  if (response.status !== 503 && response.status !== 429) return null;
  const seconds = Number(response.headers.get('retry-after') ?? Number.NaN);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : FIRST_WAIT_MS * 2 ** (tries - 1);
}

async function read<T>(response: Response): Promise<T> {
  const body = await response.text();
  if (response.ok) return JSON.parse(body) as T;
  const { code, detail } = problemOf(body);
  const hint = response.status === 401 ? ' (set the key with METAHEAC_API_KEY or --api-key-file)' : '';
  const text = `${code === null ? '' : `${code}: `}${detail}${hint}`;
  throw new AppError('invalid_argument', `the service refused (${response.status}): ${text}`, {
    facts: code === null ? {} : { problem: code, detail },
  });
}

function protocolOf(url: string): string {
  try {
    return new URL(url).protocol;
  } catch {
    return '';
  }
}

/** The code and detail of a problem, or the text of any other response. */
function problemOf(text: string): { readonly code: string | null; readonly detail: string } {
  try {
    const { code, detail } = JSON.parse(text) as { readonly code?: unknown; readonly detail?: unknown };
    return { code: String(code), detail: String(detail) };
  } catch {
    return { code: null, detail: text.slice(0, 200) };
  }
}
