/** The service's time according to its responses, whatever the browser's clock says and however its own is set. */
import { expect, it } from 'vitest';
import { createServiceTime } from '../../console/src/api/service-time.ts';

const NOON = Date.parse('2026-11-25T12:00:00Z');

/** A page whose browser's clock is a day wrong. */
function startPage() {
  let elapsed = 5_000;
  const page = { performance: { now: () => elapsed } };
  const time = createServiceTime(page, () => NOON - 86_400_000);
  return {
    time,
    pass: (ms: number) => {
      elapsed += ms;
    },
    /** A response at this time of the service. */
    hear: (at: number) => time.heard(new Date(at).toUTCString()),
  };
}

it('is that of the responses, and advances with the page', () => {
  const { time, pass, hear } = startPage();
  expect(time.now()).toBe(NOON - 86_400_000);
  time.heard(null);
  expect(time.now()).toBe(NOON - 86_400_000);
  hear(NOON);
  expect(time.now()).toBe(NOON);
  pass(1_500);
  expect(time.now()).toBe(NOON + 1_500);
});

it('is at most a second early, and becomes more exact with each response', () => {
  const { time, pass, hear } = startPage();
  hear(NOON + 900);
  expect(time.now()).toBe(NOON);
  pass(150);
  hear(NOON + 1_050);
  expect(time.now()).toBe(NOON + 1_000);
  pass(800);
  hear(NOON + 1_850);
  expect(time.now()).toBe(NOON + 1_800);
});

it.each([7_200_000, -7_200_000])('follows a clock that is set by %i ms', (by) => {
  const { time, pass, hear } = startPage();
  hear(NOON);
  pass(1_000);
  hear(NOON + 1_000 + by);
  expect(time.now()).toBe(NOON + 1_000 + by);
});
