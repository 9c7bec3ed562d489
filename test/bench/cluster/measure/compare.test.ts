import { describe, expect, it } from 'vitest';
import { atLeast, atMost, comparisonRow, fitLine, markdownTable, ratioOf, spread } from './compare.ts';

describe('a comparison', () => {
  it('has the ratio of medians, and the range of the ratios pair by pair', () => {
    expect(ratioOf([1, 2, 4], [2, 2, 6])).toEqual({ ratio: 1, low: 1, high: 2 });
  });

  it('says whether the medians keep what is allowed', () => {
    expect(atMost(1.5, 0.5, 's')).toMatchObject({ words: 'at most 1.5 x + 0.5 s' });
    expect([3.4, 3.6].map((b) => atMost(1.5, 0.5, 's').isKept(2, b))).toEqual([true, false]);
    expect([0.8, 0.79].map((b) => atLeast(0.8).isKept(1, b))).toEqual([true, false]);
  });

  it('is a row of a table', () => {
    expect(comparisonRow('time', 's', [1, 2, 3], [2, 3, 4], atMost(1.3))).toEqual([
      ...['time', '2 s (1 to 3)', '3 s (2 to 4)', '1.50 (1.33 to 2.00)', 'at most 1.3 x', '**no**'],
    ]);
    expect(comparisonRow('time', 's', [2], [2], null)).toEqual(['time', '2 s', '2 s', '1.00 (1.00 to 1.00)', '', '']);
  });

  it('shows three digits, and whole numbers from a hundred on', () => {
    expect([spread([0.012345], 's'), spread([123.4], ''), spread([12_345.6, 12_000], '/s')]).toEqual([
      ...['0.0123 s', '123', '12,173 /s (12,000 to 12,346)'],
    ]);
  });

  it('is a table with columns of equal widths', () => {
    expect(markdownTable(['users', 'x'], [['1', 'wide']])).toEqual([
      ...['| users | x    |', '| ----- | ---- |', '| 1     | wide |'],
    ]);
  });

  it('finds slope and intercept of points on a line', () => {
    const { slope, intercept } = fitLine([10, 20, 40].map((x) => [x, 3 + 2 * x] as const));
    expect(slope).toBeCloseTo(2);
    expect(intercept).toBeCloseTo(3);
    // one point says nothing of an intercept
    expect(fitLine([[4, 8]])).toEqual({ slope: 2, intercept: 0 });
  });
});
