/** JSON written as bytes is the JSON that JavaScript writes. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { decimalScore } from '../../src/lib/text/decimal-score.ts';
import { JsonBytes } from '../../src/lib/text/json-bytes.ts';
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
