/** When a call is repeated: by its route, and by what came back. */
import type { KeyedPath, Method } from './types.ts';

/** Maximum number of attempts of one call. */
const MAXIMUM_ATTEMPTS = 8;
/** Wait before the first retry if the response has no `Retry-After`; it doubles with each retry. */
const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 10_000;

/** Every route that takes an `Idempotency-Key`; the type check fails if one is missing. */
const KEYED: { readonly [P in KeyedPath]: true } = {
  '/v1/campaigns': true,
  '/v1/campaigns/{id}/expansions': true,
  '/v1/webhooks': true,
  '/v1/webhooks/{id}/deliveries/{delivery_id}/replay': true,
  '/v1/webhooks/{id}/rotate': true,
  '/v1/webhooks/{id}/ping': true,
  '/v1/destinations': true,
  '/v1/destinations/{id}/deliveries/{delivery_id}/replay': true,
};
/** Routes that would do something twice if they were called twice. */
const ONCE: readonly string[] = ['/v1/keys', '/mcp'];

export function takesKey(method: Method, path: string): boolean {
  return method === 'post' && path in KEYED;
}

/**
 * Whether a call may be repeated that may have been carried out, because no response came back. A change with
 * `If-Match` may not: its own first attempt would have changed the ETag.
 */
export function isRepeatable(method: Method, path: string, headers: Headers): boolean {
  return method === 'get' || (!headers.has('if-match') && !(method === 'post' && ONCE.includes(path)));
}

/** Milliseconds before the attempt after `attempt`; null if there is none. `Retry-After` is in seconds, or a date. */
export function waitBefore(attempt: number, response: Response | null): number | null {
  if (attempt >= MAXIMUM_ATTEMPTS) return null;
  const retryAfter = response?.headers.get('retry-after') ?? null;
  const seconds = retryAfter === null ? Number.NaN : Number(retryAfter);
  const toldMs = Number.isNaN(seconds) ? Date.parse(retryAfter ?? '') - Date.now() : 1000 * seconds;
  if (!Number.isNaN(toldMs)) return Math.max(0, toldMs);
  // callers that were refused together return at different times
  return Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (attempt - 1)) * (0.5 + Math.random() / 2);
}

/** Rejects with the reason of `signal` if it is aborted before the time is over. */
export function sleep(ms: number, signal: AbortSignal | null | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, ms);
    if (signal?.aborted) stop();
    else signal?.addEventListener('abort', stop, { once: true });
  });
}
