/** Backoff over the life of a delivery. */
import { describe, expect, it } from 'vitest';
import { nextAttemptAt, retryAfterTime } from '../../../src/service/webhooks/retries.ts';

const DAY_MS = 24 * 3_600_000;
const T0 = 1_700_000_000_000;

/** Times of the attempts of a delivery that always fails, each at its due time. */
function attemptsOf(id: string): number[] {
  const times = [T0];
  for (;;) {
    const next = nextAttemptAt({ id, createdAt: T0 }, times.length, times.at(-1)!, DAY_MS);
    if (next === null) return times;
    times.push(next);
  }
}

describe('nextAttemptAt', () => {
  it('waits about 5 s, 30 s, 2 min, 10 min, 30 min, 1 h and then 2 h, a fifth more or less', () => {
    for (const id of ['a', 'b', 'c']) {
      const waits = attemptsOf(id).flatMap((time, i, all) => (i === 0 ? [] : [time - all[i - 1]!]));
      const expected = [5, 30, 120, 600, 1800, 3600].map((seconds) => seconds * 1000);
      for (const [i, wait] of waits.slice(0, -1).entries()) {
        const ratio = wait / (expected[i] ?? 7_200_000);
        expect(ratio).toBeGreaterThanOrEqual(0.8);
        expect(ratio).toBeLessThanOrEqual(1.2);
      }
    }
  });

  it('makes the last attempt when the time is over, and none after it', () => {
    const times = attemptsOf('a');
    expect(times.at(-1)).toBe(T0 + DAY_MS);
    expect(times.length).toBeGreaterThan(15);
    expect(times.length).toBeLessThan(25);
    expect(nextAttemptAt({ id: 'a', createdAt: T0 }, 1, T0 + 2 * DAY_MS, DAY_MS)).toBeNull();
  });

  it('spreads deliveries that failed together', () => {
    const first = Array.from({ length: 20 }, (_, i) => nextAttemptAt({ id: `d${i}`, createdAt: T0 }, 1, T0, DAY_MS));
    expect(new Set(first).size).toBeGreaterThan(15);
  });
});

describe('Retry-After', () => {
  it.each([
    ['120', T0 + 120_000],
    [' 0 ', T0],
    [new Date(T0 + 90_000).toUTCString(), T0 + 90_000],
    ['soon', null],
    ['-5 s', null],
    [null, null],
  ])('%j is read', (header, time) => expect(retryAfterTime(header, T0)).toBe(time));

  it('puts off the next attempt, but not beyond the last one', () => {
    const next = (notBefore: number | null) => nextAttemptAt({ id: 'a', createdAt: T0 }, 1, T0, DAY_MS, notBefore);
    expect(next(T0 + 600_000)).toBe(T0 + 600_000);
    expect(next(T0 + 1)).toBe(next(null));
    expect(next(T0 + 2 * DAY_MS)).toBe(T0 + DAY_MS);
    expect(next(Number.POSITIVE_INFINITY)).toBe(T0 + DAY_MS);
  });
});
