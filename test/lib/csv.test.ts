/** CSV records: fields out of text and back, and what is no record. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { quoteCsv, splitCsvRecord } from '../../src/lib/csv.ts';

describe('splitCsvRecord', () => {
  it.each([
    ['', ['']],
    ['a,b', ['a', 'b']],
    ['a,', ['a', '']],
    ['"a, b"," c ",""', ['a, b', ' c ', '']],
    ['"say ""hi""",x', ['say "hi"', 'x']],
    ['"two\nlines",', ['two\nlines', '']],
    ['"a', 'not_closed'],
    ['"a""', 'not_closed'],
    ['"a"b,c', 'text_after_quote'],
    ['a"b"', 'quote_in_field'],
  ])('takes %j as %j', (record, fields) => {
    expect(splitCsvRecord(record)).toEqual(fields);
  });

  it('reads what quoteCsv writes', () => {
    const field = fc.string({ unit: fc.constantFrom('a', '"', ',', '\n', '\r', ' ', 'ö') });
    fc.assert(
      fc.property(fc.array(field, { minLength: 1 }), (fields) => {
        expect(splitCsvRecord(fields.map(quoteCsv).join(','))).toEqual(fields);
      }),
    );
  });
});
