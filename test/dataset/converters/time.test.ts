/** Times of a log. */
import { describe, expect, it } from 'vitest';
import { parseTime } from '../../../src/dataset/converters/time.ts';
import { refusalOf } from '../../population/support.ts';

describe('parseTime', () => {
  it('reads a time between spaces', () => {
    expect(parseTime(' 1970-01-02 ', 'log.csv', 7)).toBe(86_400_000);
  });

  it.each([null, '', '03/04/2020', 'yesterday', '2026-02-30 10:00', ['2026-03-04']])('refuses %j', async (value) => {
    const error = await refusalOf(() => parseTime(value, 'log.csv', 7));
    expect(error.message).toContain('log.csv:7: ');
    expect(error.message).toContain('is not a time');
  });
});
