/** Dates and times that people send. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type DateOrder, formatMoment, parseDays, parseMoment } from '../../src/dataset/times.ts';

const NOON = Date.UTC(2026, 10, 25, 12);

describe('parseMoment', () => {
  it.each<[string, number, DateOrder?]>([
    ['1970-01-02', 86_400_000],
    ['2026-11-25T12:00', NOON],
    ['2026-11-25 12:00:01', NOON + 1000],
    ['2026-11-25 12:00:00.5 UTC', NOON + 500],
    ['2026-11-25T14:00:00.250+02:00', NOON + 250],
    ['2026-11-25 14:00+0200', NOON],
    ['1969-12-31T23:59:59Z', -1000],
    ['0', 0],
    ['-1.5', -1500],
    ['1795564800', 1_795_564_800_000],
    ['1795564800000', 1_795_564_800_000],
    ['11/25/2026 12:00', NOON, 'mdy'],
    ['25.11.2026, 12:00:00', NOON, 'dmy'],
    ['25-11-2026T14:00+02:00', NOON, 'dmy'],
    ['25/11/2026 12:00 pm', NOON, 'dmy'],
    ['11/25/2026 1:30:15 a.m.', NOON - 37_785_000, 'mdy'],
    ['2026-11-25T12:00', NOON, 'dmy'],
  ])('reads %s', (text, ms, order) => {
    expect(parseMoment(text, order)).toBe(ms);
  });

  it.each<[string, DateOrder?]>([
    [''],
    [' '],
    ['25.11.2026'],
    ['2026-02-30'],
    ['2026-02-30 10:00'],
    ['2026-02-29T10:00:00Z'],
    ['2026-02-30T10:00:00+01:00'],
    ['2026-02-30 10:00 UTC'],
    ['2026-04-31 10:00:00.5'],
    ['2026-13-01'],
    ['2026-11-25T25:00'],
    ['2026-11-25T12:00+99:00'],
    ['2026-11'],
    ['soon'],
    ['1e9'],
    ['0x10'],
    ['9'.repeat(20)],
    ['31.02.1970', 'dmy'],
    ['13/13/1970', 'mdy'],
    ['11.01.70', 'dmy'],
    ['11.01.1970 noon', 'dmy'],
    ['11/25/2026 13:00 pm', 'mdy'],
    ['11/25-2026', 'mdy'],
  ])('refuses "%s"', (text, order) => {
    expect(parseMoment(text, order)).toBeNull();
  });
});

describe('parseDays', () => {
  it.each<[string, number | null, DateOrder?]>([
    ['2026-11-25T06:00', 20_782.25],
    ['1969-12-31', -1],
    ['2-1-1970 12:00', 1.5, 'dmy'],
    ['1970-01-11', null, 'dmy'],
    ['20782', null],
  ])('reads %s as %d', (text, days, order) => {
    expect(parseDays(text, order)).toBe(days);
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
