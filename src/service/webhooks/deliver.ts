/** Makes one delivery attempt: a POST with a time limit, without redirects, proxies or persistent connections. */
import { type ClientRequest, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { LookupFunction } from 'node:net';

export interface PostOptions {
  readonly lookup: LookupFunction;
  readonly timeoutMs: number;
  /** Maximum number of bytes read from a response body, which is ignored because only the status counts. */
  readonly answerBytes: number;
  /** Signal that aborts the attempt. */
  readonly signal: AbortSignal;
}

/**
 * Status of the response, or the reason for a failure without a response: `timeout`, `aborted`, `address_refused`, or a
 * system, DNS or TLS error code.
 */
export interface PostResult {
  readonly status: number | null;
  readonly error: string | null;
  /** Unparsed Retry-After header of the response. */
  readonly retryAfter: string | null;
  /** Whether later attempts cannot succeed either. */
  readonly isFinal?: boolean;
}

/** Sends `body` as JSON. The promise never rejects. */
export function post(
  url: URL,
  headers: Readonly<Record<string, string>>,
  body: string,
  options: PostOptions,
): Promise<PostResult> {
  return new Promise<PostResult>((resolve) => {
    const call = start(url, headers, body, options);
    const timer = setTimeout(() => call.destroy(withCode('timeout')), options.timeoutMs);
    let status: number | null = null;
    let retryAfter: string | null = null;
    // Ends the attempt once the status is known; after that, neither the body nor a timeout matters.
    const settle = (error: string | null) => {
      clearTimeout(timer);
      resolve({ status, error: status === null ? error : null, retryAfter });
      call.destroy();
    };
    call.on('response', (response) => {
      status = response.statusCode ?? null;
      retryAfter = response.headers['retry-after'] ?? null;
      let left = options.answerBytes;
      response.on('data', (chunk: Buffer) => {
        left -= chunk.length;
        if (left <= 0) settle(null);
      });
      response.on('error', () => settle(null));
      response.on('close', () => settle(null));
    });
    call.on('error', (error: NodeJS.ErrnoException) => settle(codeOf(error)));
  }).catch((error: NodeJS.ErrnoException) => ({ status: null, error: codeOf(error), retryAfter: null }));
}

function start(
  url: URL,
  headers: Readonly<Record<string, string>>,
  body: string,
  { lookup, signal }: PostOptions,
): ClientRequest {
  const request = url.protocol === 'https:' ? requestHttps : requestHttp;
  const call = request(url, {
    method: 'POST',
    agent: false,
    lookup,
    signal,
    headers: {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
      'user-agent': 'metaheac-webhooks',
      ...headers,
    },
  });
  call.end(body);
  return call;
}

function codeOf(error: NodeJS.ErrnoException): string {
  if (error.name === 'AbortError') return 'aborted';
  // the last error, if several addresses were tried
  const { errors } = error as { errors?: readonly NodeJS.ErrnoException[] };
  return error.code ?? errors?.at(-1)?.code ?? error.name;
}

function withCode(code: string): NodeJS.ErrnoException {
  return Object.assign(new Error(code), { code });
}
