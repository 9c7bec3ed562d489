/** The time that is left. */
import { expect, it } from 'vitest';
import { createEta } from '../../src/cli/eta.ts';

it.each([
  [0, 0.5, ''],
  [999, 0.5, ''],
  [2_000, 0, ''],
  [2_000, 1, ''],
  [2_000, 0.5, ', 2 s left'],
  [30_000, 0.25, ', 90 s left'],
  [60_000, 0.1, ', 9 min left'],
  [3_600_000, 0.25, ', 3.0 h left'],
])('after %d ms and a share of %d is "%s"', (ms, share, text) => {
  let now = 5_000;
  const left = createEta({ elapsed: () => now });
  now += ms;
  expect(left(share)).toBe(text);
});
