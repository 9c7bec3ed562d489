/** Times of a log. */
import { describe, expect, it } from 'vitest';
import { parseTime } from '../../../src/dataset/converters/time.ts';
import { refusalOf } from '../../population/support.ts';

describe('parseTime', () => {
  it.each([
    ['978300760', '2000-12-31T22:12:40.000Z'],
    ['978300760000', '2000-12-31T22:12:40.000Z'],
    ['978300760.25', '2000-12-31T22:12:40.250Z'],
    ['2026-03-04', '2026-03-04T00:00:00.000Z'],
    ['2026-03-04 17:05', '2026-03-04T17:05:00.000Z'],
    ['2026-03-04 17:05:06.5 UTC', '2026-03-04T17:05:06.500Z'],
    ['2026-03-04T17:05:06Z', '2026-03-04T17:05:06.000Z'],
    ['2026-03-04T17:05:06+02:00', '2026-03-04T15:05:06.000Z'],
  ])('takes %s as %s', (text, time) => {
    expect(new Date(parseTime(text, 'log.csv', 7)).toISOString()).toBe(time);
  });

  it.each([null, '', '03/04/2020', 'yesterday', '2026-13-04', ['2026-03-04']])('refuses %j', async (value) => {
    const error = await refusalOf(() => parseTime(value, 'log.csv', 7));
    expect(error.message).toContain('log.csv:7: ');
    expect(error.message).toContain('is not a time');
  });
});
