/** Timestamps in files. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatMoment, parseMoment } from '../../src/dataset/times.ts';

describe('parseMoment', () => {
  it.each([
    ['1970-01-02', 86_400_000],
    ['2026-11-25', Date.UTC(2026, 10, 25)],
    ['2026-11-25T12:00', Date.UTC(2026, 10, 25, 12)],
    ['2026-11-25 12:00:01', Date.UTC(2026, 10, 25, 12, 0, 1)],
    ['2026-11-25T14:00:00.250+02:00', Date.UTC(2026, 10, 25, 12, 0, 0, 250)],
    ['1969-12-31T23:59:59Z', -1000],
    ['0', 0],
    ['-1.5', -1500],
    ['1795564800', 1_795_564_800_000],
    ['1795564800000', 1_795_564_800_000],
  ])('reads %s', (text, ms) => {
    expect(parseMoment(text)).toBe(ms);
  });

  it.each([
    '',
    ' ',
    '25.11.2026',
    '11/25/2026',
    '2026-02-30',
    '2026-11-25T25:00',
    '2026-11',
    'soon',
    '1e9',
    '0x10',
    '9'.repeat(20),
  ])('refuses "%s"', (text) => {
    expect(parseMoment(text)).toBeNull();
  });
});

describe('formatMoment', () => {
  it('is ISO 8601 in UTC', () => {
    expect(formatMoment(Date.UTC(2010, 11, 1, 8, 26))).toBe('2010-12-01T08:26:00Z');
    expect(formatMoment(Date.UTC(2010, 11, 1) + 7)).toBe('2010-12-01T00:00:00.007Z');
  });

  it('is read as the same moment, also where a year has more than four digits', () => {
    const moment = fc.oneof(fc.integer({ min: -8.64e15, max: 8.64e15 }), fc.integer({ min: -1e14, max: 1e14 }));
    fc.assert(
      fc.property(moment, (ms) => {
        expect(parseMoment(formatMoment(ms))).toBe(ms);
      }),
    );
  });
});
