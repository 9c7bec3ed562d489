/** Computes the times of retries: exponential backoff with jitter, for a limited time. */
import { createRng } from '../../lib/rng.ts';

/** Delays after the first attempt, the second attempt, and so on. All later attempts use the last delay. */
const DELAYS_MS = [5_000, 30_000, 120_000, 600_000, 1_800_000, 3_600_000, 7_200_000];
/**
 * Maximum random variation of a delay, as a share of the delay, so that deliveries that failed together are not retried
 * together.
 */
const JITTER = 0.2;

/**
 * Parses a Retry-After header (RFC 9110, 10.2.3: seconds, or a date, which is compared with `wall`, the time of this
 * machine). The result is the earliest time of the next attempt in milliseconds since 1970; null if the header is
 * missing or unreadable.
 */
export function retryAfterTime(header: string | null, now: number, wall = now): number | null {
  if (header === null) return null;
  if (/^\d+$/.test(header.trim())) return now + Number(header) * 1000;
  const time = Date.parse(header);
  return Number.isNaN(time) ? null : now + time - wall;
}

/**
 * The due time of the next attempt after `attempts` failed attempts; null if there is no further attempt. `now` is the
 * time of the latest failed attempt, in milliseconds since 1970. The final attempt is `retryForMs` after the delivery
 * was created, regardless of Retry-After; all earlier attempts wait until `notBefore`.
 */
export function nextAttemptAt(
  delivery: { readonly id: string; readonly createdAt: number },
  attempts: number,
  now: number,
  retryForMs: number,
  notBefore: number | null = null,
): number | null {
  const end = delivery.createdAt + retryForMs;
  if (now >= end) return null;
  const delay = DELAYS_MS[Math.min(attempts, DELAYS_MS.length) - 1] ?? 0;
  const factor = 1 + JITTER * (2 * createRng(`${delivery.id}/${attempts}`).uniform() - 1);
  return Math.min(end, Math.max(now + Math.round(delay * factor), notBefore ?? 0));
}
