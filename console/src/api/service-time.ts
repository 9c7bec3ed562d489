/**
 * The service's clock, derived from its responses. Times from the service are compared with it and never with the
 * browser's clock, which may be wrong.
 */

/** Estimates that differ by more than this mean that a clock was set or the machine slept. */
const SET_MS = 2_000;

export interface ServiceTime {
  /** Takes a response's `Date` header, in whole seconds. */
  heard(date: string | null): void;
  /** ms since 1970, at most a second early; the browser's time before the first response. */
  now(): number;
}

export function createServiceTime(
  page: { readonly performance: { now(): number } },
  browserNow: () => number,
): ServiceTime {
  /** The service's time when the page's monotonic clock was 0. */
  let origin: number | null = null;
  return {
    heard(date) {
      const told = Date.parse(date ?? '');
      if (Number.isNaN(told)) return;
      const next = told - page.performance.now();
      // headers are cut to whole seconds, so the latest estimate is the closest
      origin = origin === null || Math.abs(next - origin) > SET_MS ? next : Math.max(origin, next);
    },
    now: () => (origin === null ? browserNow() : origin + page.performance.now()),
  };
}
