/** Dates as spreadsheets write them. */
import { describe, expect, it } from 'vitest';
import { parseWrittenDate } from '../../src/dataset/written-dates.ts';

describe('a written date', () => {
  it.each([
    ['11.01.1970', 'dmy', 10],
    ['1/11/1970', 'mdy', 10],
    ['2-1-1970 12:00', 'dmy', 1.5],
    ['2.1.1970T00:00:00Z', 'dmy', 1],
    ['31.02.1970', 'dmy', null],
    ['13/13/1970', 'mdy', null],
    ['1970-01-11', 'dmy', null],
    ['11.01.70', 'dmy', null],
    ['11.01.1970 noon', 'dmy', null],
    ['', 'dmy', null],
  ] as const)('of %j by %s is %j', (text, order, expected) => {
    expect(parseWrittenDate(text, order)).toBe(expected);
  });
});
