/** Dates as days since 1970. */
import { describe, expect, it } from 'vitest';
import { parseDate } from '../../src/dataset/dates.ts';

describe('parseDate', () => {
  it.each([
    ['1970-01-01', 0],
    ['2026-11-25', 20_782],
    ['2026-11-25T12:00:00Z', 20_782.5],
    ['2026-11-25 12:00:00', 20_782.5],
    ['2026-11-25T14:00:00+02:00', 20_782.5],
    ['2026-11-25T06:00', 20_782.25],
    ['1969-12-31', -1],
  ])('reads %s as %d', (text, days) => {
    expect(parseDate(text)).toBe(days);
  });

  it.each(['', '25.11.2026', '2026-13-01', '2026-02-30', '2026-11-25T25:00:00Z', '2026', 'tomorrow', '20782'])(
    'refuses "%s"',
    (text) => {
      expect(parseDate(text)).toBeNull();
    },
  );
});
