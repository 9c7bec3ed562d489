/** What a schema is proposed for. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readSourceSchema } from '../../../src/population/source-schema.ts';
import { inferSchema } from '../../../src/population/tables/infer-schema.ts';
import { useFolders } from '../../fixture/folders.ts';
import { importUsersOf, runSql } from './support.ts';

const newFolder = useFolders();
const ROWS = 200;

const COLUMNS = [
  "lpad(i::VARCHAR, 6, '0') AS customer_no",
  "'city' || i % 7 AS city",
  "'a' || i % 5 || '|b' || i % 3 AS likes",
  'i % 90 + 0.5 AS age',
  "strftime(DATE '2026-01-01' + i::INT, '%d.%m.%Y') AS joined",
  "'[' || i || ', 0.5, 1]' AS taste",
  "lpad((i % 100)::VARCHAR, 5, '0') AS postcode",
  "'EU' AS region",
  "'order-' || i AS last_order",
  "'Some words about person ' || i || ' that nobody else has written, ever' AS notes",
  'NULL AS nothing',
  'i % 4 AS segment',
].join(', ');

async function writeUsers(file: string): Promise<string> {
  const path = join(newFolder(), file);
  await runSql(`COPY (SELECT ${COLUMNS} FROM range(${ROWS}) t(i)) TO '${path}'`);
  return path;
}

describe('a proposed schema', () => {
  it('says what the columns of a CSV file look like, and what is left out and why', async () => {
    const path = await writeUsers('users.csv');
    const { schema, rows } = await inferSchema([path], newFolder(), 1000);
    expect(rows).toBe(ROWS);
    expect(schema.user_id).toBe('customer_no');
    expect(schema.features.map(({ notes: _, ...feature }) => feature)).toEqual([
      { name: 'city', kind: 'single' },
      { name: 'likes', kind: 'multi', separator: '|' },
      { name: 'age', kind: 'number' },
      { name: 'joined', kind: 'number', format: 'date_dmy' },
      { name: 'taste', kind: 'vector', size: 3 },
      { name: 'postcode', kind: 'single' },
      { name: 'segment', kind: 'number' },
    ]);
    expect(schema.notes?.slice(1)).toEqual([
      'left out: region (a constant: EU)',
      expect.stringMatching(/^left out: last_order \(looks like an id: \d+ different values of 200\)/),
      expect.stringMatching(/^left out: notes \(free text/),
      'left out: nothing (always empty)',
    ]);
    const notes = Object.fromEntries(schema.features.map((feature) => [feature.name, feature.notes!.join(' ')]));
    expect(notes['postcode']).toContain('leading zeros');
    expect(notes['segment']).toContain('kind single if they are codes');
    expect(notes['city']).toMatch(/100\.0 % of rows have a value, \d different/);
  });

  it('is one that imports', async () => {
    for (const file of ['users.csv', 'users.parquet']) {
      const path = await writeUsers(file);
      const { schema } = await inferSchema([path], newFolder(), 1000);
      const saved = join(newFolder(), 'schema.json');
      writeFileSync(saved, JSON.stringify(schema));
      const result = await importUsersOf([path], newFolder(), { schema: readSourceSchema(saved) });
      expect(result.users).toBe(ROWS);
    }
  });

  it('takes lists of numbers of one length for a vector, other lists for tokens, of Parquet and NDJSON', async () => {
    const parquet = join(newFolder(), 'users.parquet');
    const rows = "SELECT i AS id, [i / 3, 2.5] AS v, ['a', 'b'] AS tags FROM range(30) t(i)";
    await runSql(`COPY (${rows}) TO '${parquet}'`);
    const ndjson = join(newFolder(), 'users.ndjson');
    await runSql(`COPY (${rows}) TO '${ndjson}' (FORMAT json)`);
    for (const path of [parquet, ndjson]) {
      const { schema } = await inferSchema([path], newFolder(), 1000);
      expect(schema.user_id).toBe('id');
      expect(schema.features).toMatchObject([
        { name: 'v', kind: 'vector', size: 2 },
        { name: 'tags', kind: 'multi' },
      ]);
    }
  });
});
