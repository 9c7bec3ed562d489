/**
 * The service's clock, derived from its responses. Times from the service are compared with the service's clock,
 * because the browser's clock may be wrong.
 */

/** If estimates differ by more than this number of ms, a clock was set or the machine was asleep. */
const SET_MS = 2_000;

export interface ServiceTime {
  /** Updates the estimate with the `Date` header of a response, which has whole seconds. */
  heard(date: string | null): void;
  /**
   * Returns the service's time in ms since 1970, at most a second early, or the browser's time before the first
   * response.
   */
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
      // headers are truncated to whole seconds, so the highest estimate is the most accurate
      origin = origin === null || Math.abs(next - origin) > SET_MS ? next : Math.max(origin, next);
    },
    now: () => (origin === null ? browserNow() : origin + page.performance.now()),
  };
}
