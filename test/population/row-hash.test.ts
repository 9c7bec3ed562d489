/** Hashes of rows: equal where the values are, whatever rows stand around them. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Feature } from '../../src/dataset/features.ts';
import { hashRows } from '../../src/population/import/row-hash.ts';
import { SegmentBuilder } from '../../src/population/import/segment-builder.ts';

const FEATURES: readonly Feature[] = [
  { name: 'city', kind: 'single' },
  { name: 'likes', kind: 'multi' },
  { name: 'hates', kind: 'multi' },
  { name: 'age', kind: 'number' },
  { name: 'taste', kind: 'vector', size: 2 },
];

type Values = readonly [city: number, likes: readonly number[], hates: readonly number[], age: number, taste: number[]];

/** The hash of each row, as text. */
function hashesOf(rows: readonly Values[]): string[] {
  const builder = new SegmentBuilder(FEATURES, Math.max(1, rows.length));
  for (const [user, values] of rows.entries()) {
    for (const [i, value] of values.entries())
      for (const one of [value].flat()) builder.columns[i]!.push(one as number);
    builder.endRow(user);
  }
  const hashes = hashRows(builder.view(), FEATURES);
  return rows.map((_, row) => `${hashes[2 * row]}/${hashes[2 * row + 1]}`);
}

const small = fc.integer({ min: 0, max: 2 });
const number = fc.constantFrom(0, 1, -1, 0.5, Number.NaN);
const row: fc.Arbitrary<Values> = fc.tuple(
  ...([small, fc.array(small, { maxLength: 2 }), fc.array(small, { maxLength: 2 }), number] as const),
  fc.array(number, { minLength: 2, maxLength: 2 }),
);

describe('hashRows', () => {
  it('gives equal hashes to equal rows alone', () => {
    fc.assert(
      fc.property(fc.array(row, { minLength: 2, maxLength: 40 }), (rows) => {
        const hashes = hashesOf(rows);
        const texts = rows.map((values) => JSON.stringify(values));
        for (const [i, text] of texts.entries()) {
          expect(hashesOf([rows[i]!])).toEqual([hashes[i]]);
          for (const [j, other] of texts.entries()) expect(hashes[i] === hashes[j]).toBe(text === other);
        }
      }),
    );
  });

  it('counts where a list ends, the order of its tokens, and every bit of both lanes', () => {
    const rest: [number, number[]] = [0, [0, 0]];
    const rows: Values[] = [
      [0, [1], [2], ...rest],
      [0, [1, 2], [], ...rest],
      [0, [2, 1], [], ...rest],
      [0, [], [1, 2], ...rest],
    ];
    expect(new Set(hashesOf(rows)).size).toBe(4);
    const lanes = Array.from({ length: 20_000 }, (_, i): Values => [i, [], [], 0, [0, 0]]);
    const halves = hashesOf(lanes).map((hash) => hash.split('/'));
    for (const lane of [0, 1]) expect(new Set(halves.map((half) => half[lane])).size).toBeGreaterThan(19_990);
  });

  it('takes a missing number for a missing number, whatever its bits are', () => {
    const other = new Float32Array(Uint32Array.of(0xffc0_0001).buffer)[0]!;
    expect(hashesOf([[0, [], [], other, [0, other]]])).toEqual(hashesOf([[0, [], [], Number.NaN, [0, Number.NaN]]]));
  });
});
