/** Calls a running service, as its callers do. */
import { AppError, messageOf } from '../lib/errors.ts';

/** An answer is waited for this long. */
const ANSWER_MS = 30_000;

export class ServiceClient {
  readonly #url: string;
  readonly #key: string | undefined;

  /** @throws AppError invalid_argument for what is no http address */
  constructor(url: string, key: string | undefined) {
    if (!/^https?:$/.test(protocolOf(url)))
      throw new AppError('invalid_argument', `--url "${url}" is not an address like http://127.0.0.1:8080`);
    this.#url = url.replace(/\/+$/, '');
    this.#key = key;
  }

  /**
   * The JSON of a 2xx answer. @throws AppError unavailable where nobody answers, else with the problem's own text,
   * which is the fact `detail` too, as its code is `problem`
   */
  async call<T>(method: 'GET' | 'POST', path: string): Promise<T> {
    const headers: Record<string, string> = this.#key === undefined ? {} : { authorization: `Bearer ${this.#key}` };
    let response: Response;
    try {
      response = await fetch(`${this.#url}${path}`, { method, headers, signal: AbortSignal.timeout(ANSWER_MS) });
    } catch (error) {
      const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
      throw new AppError('unavailable', `no service answers at ${this.#url}: ${messageOf(cause)}`, { cause: error });
    }
    const body = await response.text();
    if (response.ok) return JSON.parse(body) as T;
    const { code, detail } = problemOf(body);
    const hint = response.status === 401 ? ' (this command takes it from METAHEAC_API_KEY)' : '';
    const text = `${code === null ? '' : `${code}: `}${detail}${hint}`;
    throw new AppError('invalid_argument', `the service refused (${response.status}): ${text}`, {
      facts: code === null ? {} : { problem: code, detail },
    });
  }
}

function protocolOf(url: string): string {
  try {
    return new URL(url).protocol;
  } catch {
    return '';
  }
}

/** What a problem says, or whatever else answered. */
function problemOf(text: string): { readonly code: string | null; readonly detail: string } {
  try {
    const { code, detail } = JSON.parse(text) as { readonly code?: unknown; readonly detail?: unknown };
    return { code: String(code), detail: String(detail) };
  } catch {
    return { code: null, detail: text.slice(0, 200) };
  }
}
