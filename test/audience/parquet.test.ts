/** Parquet files of audiences, read back by another library. */
import { parquetMetadata, parquetReadObjects } from 'hyparquet';
import { describe, expect, it } from 'vitest';
import type { AudienceItem, MemberBlock } from '../../src/audience/page.ts';
import { parquetMembers } from '../../src/audience/stream/parquet.ts';

function itemsOf(count: number): AudienceItem[] {
  return Array.from({ length: count }, (_, i) => ({
    rank: i + 1,
    user_id: ['a,b', 'say "hi"\n', '😀é', ''][i] ?? `user-${i}`,
    score: Math.fround(1 - i / 100),
    percentile: (100 * (count - i)) / count,
  }));
}

function blockOf(items: readonly AudienceItem[], candidates: number): MemberBlock {
  const texts = items.map(({ user_id }) => Buffer.from(user_id));
  const ends = new Uint32Array(items.length);
  for (let i = 0, end = 0; i < items.length; i++) ends[i] = end += texts[i]!.length;
  return {
    ranks: Uint32Array.from(items, ({ rank }) => rank),
    ids: { bytes: new Uint8Array(Buffer.concat(texts)), ends },
    scores: Float32Array.from(items, ({ score }) => score),
    candidates,
  };
}

/** The bytes that each page completes, and those of the end. */
function write(items: readonly AudienceItem[], page: number, rowGroupRows: number): Uint8Array[] {
  const file = parquetMembers(rowGroupRows);
  const chunks: Uint8Array[] = [];
  for (let from = 0; from < items.length; from += page)
    chunks.push(file.add(blockOf(items.slice(from, from + page), items.length)));
  return [...chunks, file.end()];
}

function bufferOf(chunks: readonly Uint8Array[]): ArrayBuffer {
  return new Uint8Array(Buffer.concat(chunks)).buffer;
}

describe('parquetMembers', () => {
  it.each([
    [0, 7, 10],
    [1, 7, 10],
    [10, 7, 10],
    [37, 7, 10],
    [37, 50, 10],
    [37, 3, 100],
  ])('returns %i members from pages of %i in row groups of %i', async (count, page, rowGroupRows) => {
    const items = itemsOf(count);
    const chunks = write(items, page, rowGroupRows);
    const file = bufferOf(chunks);
    expect(await parquetReadObjects({ file })).toEqual(items);
    const metadata = parquetMetadata(file);
    expect(Number(metadata.num_rows)).toBe(count);
    expect(metadata.row_groups.map(({ num_rows }) => Number(num_rows))).toEqual(
      Array.from({ length: Math.ceil(count / rowGroupRows) }, (_, i) =>
        Math.min(rowGroupRows, count - i * rowGroupRows),
      ),
    );
  });

  it('returns nothing until a row group is complete', () => {
    const lengths = write(itemsOf(37), 5, 10).map(({ length }) => length);
    expect(lengths.map((length) => length > 0)).toEqual([true, true, false, true, false, true, false, false, true]);
    // the first is the magic number of every file
    expect(lengths[0]).toBe(4);
  });

  it('declares the types of its columns', async () => {
    const { schema } = parquetMetadata(bufferOf(write(itemsOf(3), 3, 3)));
    expect(schema.map(({ name, type, converted_type }) => [name, type, converted_type])).toEqual([
      ['audience', undefined, undefined],
      ['rank', 'INT32', undefined],
      ['user_id', 'BYTE_ARRAY', 'UTF8'],
      ['score', 'FLOAT', undefined],
      ['percentile', 'DOUBLE', undefined],
    ]);
  });
});
