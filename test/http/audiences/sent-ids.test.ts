/** A body that is read quickly has the ids that JSON has, and other bodies are left to the JSON parser. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GATHERED, readSentIds } from '../../../src/http/audiences/sent-ids.ts';
import { textsOf } from '../../../src/lib/text/text-table.ts';

const idsOf = (text: string) => {
  const ids = readSentIds(Buffer.from(text), 4, 8)?.[GATHERED];
  return ids === undefined ? null : textsOf(ids);
};

describe('readSentIds', () => {
  it('reads what common clients send', () => {
    expect(idsOf('{"user_ids":["a","b c"]}')).toEqual(['a', 'b c']);
    expect(idsOf('{"user_ids": ["a", "b", "a"]}')).toEqual(['a', 'b', 'a']);
  });

  it('leaves invalid and unusual bodies to the JSON parser', () => {
    for (const list of ['', '""', '1', '"a",', '"é"', '"\\u0061"', '"a\x7f"', '"123456789"', '"a","a","a","a","a"'])
      expect(idsOf(`{"user_ids":[${list}]}`)).toBe(null);
    for (const text of ['', '{', '{"user_ids":', '{"user_ids":["a', '{"user_ids":["a"]', '{"user_ids":["a"]}}'])
      expect(idsOf(text)).toBe(null);
    expect(idsOf('{"user_ids":["a"],"cut":"x"}')).toBe(null);
  });

  it('never reads anything else than JSON.parse does', () => {
    const part = fc.constantFrom('"', 'a', '\\', ',', ' ', '[', ']', '}', '"a"', '"b",');
    const property = fc.property(fc.array(part), (parts) => {
      const text = `{"user_ids":["a",${parts.join('')}"z"]}`;
      const ids = idsOf(text);
      if (ids !== null) expect({ user_ids: ids }).toEqual(JSON.parse(text));
    });
    fc.assert(property, { numRuns: 5_000 });
  });
});
