/** Numbers as people type them into the console. */
import { describe, expect, it } from 'vitest';
import { readNumber, readWhole } from '../../console/src/ui/read-number.ts';

describe('readNumber', () => {
  it.each([
    ['12.5', 12.5],
    ['12,5', 12.5],
    [' 12,5 ', 12.5],
    ['0,125', 0.125],
    ['1.000', 1],
    ['-3', -3],
    ['.5', 0.5],
    ['1e3', 1000],
    ['1000', 1000],
    ['1,0000', 1],
  ])('reads %j', (text, number) => expect(readNumber(text)).toBe(number));

  it.each(['', ' ', '1,000', '12,500', '1,2,3', '1.2.3', '1 2', 'abc', '12,5 %', '0x10', 'Infinity', 'NaN'])(
    'refuses %j',
    (text) => expect(readNumber(text)).toBeNull(),
  );
});

describe('readWhole', () => {
  it.each([
    ['1000', 1000],
    ['1,000', 1000],
    ['1.000', 1000],
    ['1 000', 1000],
    ['1\u202f000', 1000],
    ["1'234'567", 1_234_567],
    ['12,345,678', 12_345_678],
  ])('reads %j', (text, number) => expect(readWhole(text)).toBe(number));

  it.each(['', '12,5', '12.5', '1,0000', '1,00', '1,000.5', '1,000.000', '-5', '1e3', 'many'])('refuses %j', (text) =>
    expect(readWhole(text)).toBeNull(),
  );
});
