/** Parquet files of audiences, read back by a reader that is not the writer's. */
import { parquetMetadata, parquetReadObjects } from 'hyparquet';
import { describe, expect, it } from 'vitest';
import type { AudienceItem } from '../../src/audience/page.ts';
import { parquetOf } from '../../src/audience/parquet.ts';

function itemsOf(count: number): AudienceItem[] {
  return Array.from({ length: count }, (_, i) => ({
    rank: i + 1,
    user_id: ['a,b', 'say "hi"\n', '😀é', ''][i] ?? `user-${i}`,
    score: Math.fround(1 - i / 100),
    percentile: (100 * (count - i)) / count,
  }));
}

async function write(items: readonly AudienceItem[], page: number, rowGroupRows: number): Promise<Uint8Array[]> {
  async function* pages() {
    for (let from = 0; from < items.length; from += page) yield items.slice(from, from + page);
  }
  const chunks: Uint8Array[] = [];
  for await (const chunk of parquetOf(pages(), rowGroupRows)) chunks.push(chunk);
  return chunks;
}

function bufferOf(chunks: readonly Uint8Array[]): ArrayBuffer {
  return new Uint8Array(Buffer.concat(chunks)).buffer;
}

describe('parquetOf', () => {
  it.each([
    [0, 7, 10],
    [1, 7, 10],
    [10, 7, 10],
    [37, 7, 10],
    [37, 50, 10],
    [37, 3, 100],
  ])('returns %i members from pages of %i in row groups of %i', async (count, page, rowGroupRows) => {
    const items = itemsOf(count);
    const chunks = await write(items, page, rowGroupRows);
    const file = bufferOf(chunks);
    expect(await parquetReadObjects({ file })).toEqual(items);
    const metadata = parquetMetadata(file);
    expect(Number(metadata.num_rows)).toBe(count);
    expect(metadata.row_groups.map(({ num_rows }) => Number(num_rows))).toEqual(
      Array.from({ length: Math.ceil(count / rowGroupRows) }, (_, i) =>
        Math.min(rowGroupRows, count - i * rowGroupRows),
      ),
    );
    expect(chunks).toHaveLength(1 + Math.floor(count / rowGroupRows));
  });

  it('says the types of its columns', async () => {
    const { schema } = parquetMetadata(bufferOf(await write(itemsOf(3), 3, 3)));
    expect(schema.map(({ name, type, converted_type }) => [name, type, converted_type])).toEqual([
      ['audience', undefined, undefined],
      ['rank', 'INT32', undefined],
      ['user_id', 'BYTE_ARRAY', 'UTF8'],
      ['score', 'FLOAT', undefined],
      ['percentile', 'DOUBLE', undefined],
    ]);
  });
});
