/**
 * The time of the service, as its answers tell it: what it says of moments is compared with this, and never with the
 * browser's clock, which may be wrong.
 */

/** Told times further apart than this are of a clock that was set, or of a machine that slept. */
const SET_MS = 2_000;

export interface ServiceTime {
  /** An answer has come; `date`: its header Date, in whole seconds. */
  heard(date: string | null): void;
  /** In ms since 1970, at most a second early; the browser's time before the first answer. */
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
      // as seconds are cut off, the latest of them is closest
      origin = origin === null || Math.abs(next - origin) > SET_MS ? next : Math.max(origin, next);
    },
    now: () => (origin === null ? browserNow() : origin + page.performance.now()),
  };
}
