/** How columns of a table become features. */
import { describe, expect, it } from 'vitest';
import { ColumnSurvey, describeFeature, recordValue } from '../../../src/dataset/converters/columns.ts';
import type { Value } from '../../../src/dataset/row-source.ts';

function survey(values: readonly Value[], name = 'x') {
  const column = new ColumnSurvey(name, '|');
  for (const value of values) column.add(value);
  return column.finish();
}

describe('ColumnSurvey', () => {
  it('takes texts as a single feature', () => {
    const found = survey(['a', null, ' b '], 'Gender');
    expect(found).toMatchObject({ name: 'Gender', kind: 'single', sensitive: true });
    if (typeof found === 'string') throw new Error(found);
    expect(describeFeature(found)).toEqual({ name: 'Gender', kind: 'single', sensitive: true });
    expect([' b ', null, ''].map((value) => recordValue(value, found))).toEqual(['b', null, null]);
  });

  it('takes lists, and texts with the separator in them, as a multi feature', () => {
    for (const values of [
      ['a', 'b|c|a'],
      [['a', 'b'], null],
    ]) {
      const found = survey(values);
      if (typeof found === 'string') throw new Error(found);
      expect(describeFeature(found)).toEqual({ name: 'x', kind: 'multi', max_length: found.maxLength });
      expect(found.maxLength).toBe(typeof values[0] === 'string' ? 3 : 2);
      expect([' a | |b', ['c'], null].map((value) => recordValue(value, found))).toEqual([['a', 'b'], ['c'], []]);
    }
  });

  it('limits lists to 50 tokens', () => {
    expect(survey([Array.from({ length: 80 }, (_, i) => `t${i}`), ['t0']])).toMatchObject({ maxLength: 50 });
  });

  it.each([
    [[null, '', ' | '], 'empty'],
    [['a', null, 'a'], 'the same value in all rows'],
    [Array.from({ length: 30 }, (_, i) => `user${i}@example.com`), 'nearly every row has a different value'],
    [['a', 'b'.repeat(2000)], 'longer than 1024 bytes'],
  ])('leaves out %j', (values, reason) => {
    expect(survey(values)).toContain(reason);
  });

  it('keeps a column in which few rows have a unique value', () => {
    expect(survey(Array.from({ length: 30 }, (_, i) => `b${i % 20}`))).toMatchObject({ kind: 'single' });
    expect(survey(Array.from({ length: 19 }, (_, i) => `b${i}`))).toMatchObject({ kind: 'single' });
  });
});
