/** Records of a data set: JSON lines, and invalid CSV records. */
import { describe, expect, it } from 'vitest';
import { csvReaderOf, parseRecord } from '../../src/dataset/records.ts';
import { refusalOf } from '../population/support.ts';

describe('parseRecord', () => {
  it('returns the object of a line, null for white space', () => {
    expect(parseRecord('{"user_id":"a"}', 'f', 1)).toEqual({ user_id: 'a' });
    expect(parseRecord(' \t', 'f', 1)).toBeNull();
  });

  it.each([
    ['{"user_id":', 'f:7: the line is not JSON: '],
    ['[1]', 'f:7: the line is a list; a JSON object is expected'],
    ['"a"', 'f:7: the line is text; a JSON object is expected'],
    ['null', 'f:7: the line is null; a JSON object is expected'],
    ['3', 'f:7: the line is a number; a JSON object is expected'],
  ])('refuses %s', async (text, message) => {
    const error = await refusalOf(() => parseRecord(text, 'f', 7));
    expect(error.code).toBe('invalid_data');
    expect(error.message.startsWith(message)).toBe(true);
  });
});

describe('csvReaderOf', () => {
  it.each([
    ['a,"b', 'f:9: a quoted field is not closed'],
    ['"a"b,c', 'f:9: a quoted field is followed by text before the separator'],
    ['a"b,c', 'f:9: an unquoted field contains a quote'],
  ])('refuses %s', async (text, message) => {
    const reader = csvReaderOf('f', () => {});
    const error = await refusalOf(() => {
      reader.read({ firstLine: 8, lines: ['x,y', text] });
      reader.end();
    });
    expect(error.code).toBe('invalid_data');
    expect(error.message).toContain(message);
  });
});
