/** JSON written as bytes is the JSON that JavaScript writes. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { decimalScore } from '../../src/lib/text/decimal-score.ts';
import { JsonBytes, jsonPart } from '../../src/lib/text/json-bytes.ts';
import { gatherTexts } from '../../src/lib/text/text-table.ts';

it('writes every score like decimalScore', () => {
  const score = fc.oneof(
    fc.float(),
    fc.float({ min: 0, max: 1, noNaN: true }),
    fc.nat(1e7).map((digits) => Math.fround(digits / 1e7)),
  );
  fc.assert(
    fc.property(fc.array(score), (scores) => {
      const out = new JsonBytes(gatherTexts(scores.map(() => '')));
      for (const one of scores) out.endMember(one, 1);
      expect(out.take().toString()).toBe(scores.map((one) => `,"score":${decimalScore(one)},"percentile":1}`).join(''));
    }),
    { numRuns: 2_000 },
  );
});

it('writes every percentile like JavaScript', () => {
  const percentile = fc.oneof(
    fc.double(),
    fc.double({ min: 63, max: 101, noNaN: true }),
    fc.tuple(fc.nat(1e9), fc.nat(1e9)).map(([a, b]) => (100 * Math.min(a, b)) / Math.max(a, b, 1)),
    fc.nat(36 * 1e14).map((digits) => 100 - digits / 1e14),
    fc.tuple(fc.integer({ min: 64, max: 99 }), fc.nat(999)).map(([whole, digits]) => whole + digits / 1e3),
  );
  fc.assert(
    fc.property(fc.array(percentile), (percentiles) => {
      const out = new JsonBytes(gatherTexts(percentiles.map(() => '')));
      for (const one of percentiles) out.endMember(0.5, one);
      expect(out.take().toString()).toBe(percentiles.map((one) => `,"score":0.5,"percentile":${one}}`).join(''));
    }),
    { numRuns: 10_000 },
  );
});

it('writes whole numbers and parts', () => {
  fc.assert(
    fc.property(fc.array(fc.nat()), fc.string({ unit: 'grapheme-ascii', maxLength: 60 }), (numbers, text) => {
      const out = new JsonBytes(gatherTexts(numbers.map(() => '')));
      for (const one of numbers) out.part(jsonPart(text)).whole(one);
      expect(out.take().toString()).toBe(numbers.map((one) => `${text}${one}`).join(''));
    }),
  );
});

it('quotes every text like JSON.stringify', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string({ unit: fc.constantFrom('"', '\\', '\n', '\0', 'é') }),
  );
  fc.assert(
    fc.property(fc.array(text), (texts) => {
      const { bytes, ends } = gatherTexts(texts);
      const out = new JsonBytes({ bytes, ends });
      for (const [i, end] of ends.entries()) out.quote(bytes, ends[i - 1] ?? 0, end);
      expect(out.take().toString()).toBe(texts.map((one) => JSON.stringify(one)).join(''));
    }),
  );
});
