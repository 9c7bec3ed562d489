/** Fields of CSV from text. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { quoteCsv } from '../../src/lib/text/csv.ts';
import { parseCsvRecord } from '../../src/lib/text/csv-reader.ts';

describe('quoteCsv', () => {
  it('writes fields that are read back unchanged', () => {
    const field = fc.string({ unit: fc.constantFrom('a', '"', ',', '\n', '\r', ' ', 'ö') });
    fc.assert(
      fc.property(fc.array(field, { minLength: 1 }), (fields) => {
        expect(parseCsvRecord(fields.map(quoteCsv).join(','))).toEqual(fields);
      }),
    );
  });
});
