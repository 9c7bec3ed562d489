/** Parquet as a table of texts: the same as NDJSON of the same rows, and what is refused. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Row } from '../../../src/dataset/row-source.ts';
import { openTable } from '../../../src/population/import/open-table.ts';
import { useFolders } from '../../fixture/folders.ts';
import { refusalOf } from '../support.ts';
import { runSql } from './support.ts';

const newFolder = useFolders();

async function parquetOf(rows: string): Promise<string> {
  const path = join(newFolder(), 'table.parquet');
  await runSql(`COPY (${rows}) TO '${path}' (FORMAT parquet)`);
  return path;
}

async function read(path: string, columns?: readonly string[]) {
  const source = await openTable(path);
  const rows: Row[] = [];
  for await (const batch of source.read(columns ?? source.columns)) rows.push(...batch);
  return { columns: source.columns, rows };
}

describe('openTable', () => {
  it('reads Parquet as texts, with whole numbers as ids are written, times, and lists', async () => {
    const path = await parquetOf(`SELECT * FROM (VALUES
      ('007', 12::BIGINT, 3.0::DOUBLE, 2.5::DOUBLE, true, DATE '2026-03-04', TIMESTAMP '2026-03-04 17:05:00', ['a', '', NULL, 'b']),
      ('', NULL, 'NaN'::DOUBLE, -1::DOUBLE, NULL, NULL, NULL, [])) t(id, n, f, x, b, d, made, tags)`);
    const { columns, rows } = await read(path);
    expect(columns).toEqual(['id', 'n', 'f', 'x', 'b', 'd', 'made', 'tags']);
    expect(rows).toEqual([
      { line: 1, values: ['007', '12', '3', '2.5', 'true', '2026-03-04', '2026-03-04 17:05:00.000', ['a', 'b']] },
      { line: 2, values: [null, null, null, '-1', null, null, null, null] },
    ]);
  });

  it('reads columns that are asked for, in that order, of any number of rows, as often as wanted', async () => {
    const path = await parquetOf("SELECT i, 'user ' || i AS user FROM range(10000) t(i)");
    const expected = Array.from({ length: 10_000 }, (_, i) => ({ line: i + 1, values: [`user ${i}`, String(i)] }));
    const source = await openTable(path);
    for (let times = 0; times < 2; times++) {
      const rows: Row[] = [];
      for await (const batch of source.read(['user', 'i'])) rows.push(...batch);
      expect(rows).toEqual(expected);
    }
    // a reader that stops early leaves nothing open
    for await (const _ of source.read(['i'])) break;
  });

  it('refuses what is no Parquet file, and a column of another kind, by name', async () => {
    const text = join(newFolder(), 'text.parquet');
    writeFileSync(text, 'user,item\n');
    expect((await refusalOf(() => openTable(text))).message).toContain(text);
    expect((await refusalOf(() => openTable(`${text}.parquet`))).message).toContain('not found');
    const path = await parquetOf("SELECT 1 AS a, {'x': 1} AS s");
    const refusal = await refusalOf(() => read(path, ['s']));
    expect(refusal.code).toBe('invalid_data');
    expect(refusal.message).toMatch(/column "s" is STRUCT/);
    expect([...(await openTable(path)).unreadable!.keys()]).toEqual(['s']);
    expect((await read(path, ['a'])).rows).toHaveLength(1);
  });

  it('reads other forms as before', async () => {
    const path = join(newFolder(), 't.csv');
    writeFileSync(path, 'id,city\n007,Bern\n');
    expect((await read(path)).rows).toEqual([{ line: 2, values: ['007', 'Bern'] }]);
  });
});
