/** One line of a data set: JSON records and CSV rows. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseCsvRow, parseRecord } from '../../src/dataset/records.ts';
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

describe('parseCsvRow', () => {
  it('splits plain and quoted fields', () => {
    expect(parseCsvRow('c1,u 1,1,train', 'f', 1)).toEqual(['c1', 'u 1', '1', 'train']);
    expect(parseCsvRow('"a,""b""",,"",c,', 'f', 1)).toEqual(['a,"b"', '', '', 'c', '']);
  });

  it('reads back any fields that were quoted', () => {
    const field = fc.string().map((text) => text.replaceAll(/[\r\n]/g, ''));
    const quote = (text: string) => (/[",]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
    const property = fc.property(fc.array(field, { minLength: 1 }), (fields) => {
      expect(parseCsvRow(fields.map(quote).join(','), 'f', 1)).toEqual(fields);
    });
    fc.assert(property);
  });

  it.each([
    ['a,"b', 'no closing quote'],
    ['"a"b,c', 'followed by text before the separator'],
    ['a"b,c', 'unquoted field contains a quote'],
  ])('refuses %s', async (text, message) => {
    const error = await refusalOf(() => parseCsvRow(text, 'f', 9));
    expect(error.message).toContain('f:9: ');
    expect(error.message).toContain(message);
  });
});
