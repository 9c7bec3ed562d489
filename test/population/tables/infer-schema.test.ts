/** Proposed schemas for files of users. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readSourceSchema } from '../../../src/population/import/source-schema.ts';
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
    expect(notes['segment']).toContain('use kind single if the numbers are codes');
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

  const asJson = (file: string) => (file.endsWith('.ndjson') ? ' (FORMAT json)' : '');

  /** The kind that is proposed for one column of text of 60 users, made from i = 0 .. 59; null if it is left out. */
  async function proposed(sql: string, file = 'users.csv') {
    const path = join(newFolder(), file);
    await runSql(`COPY (SELECT 'u' || i AS id, ${sql} AS x FROM range(60) t(i)) TO '${path}'${asJson(file)}`);
    const { schema } = await inferSchema([path], newFolder(), 1000);
    const feature = schema.features.find(({ name }) => name === 'x');
    if (feature === undefined) return null;
    // what is proposed can be imported
    const saved = join(newFolder(), 'schema.json');
    writeFileSync(saved, JSON.stringify(schema));
    await importUsersOf([path], newFolder(), { schema: readSourceSchema(saved) });
    const { name: _name, notes: _notes, ...rest } = feature;
    return rest;
  }

  it.each([
    ['bars', "'a' || i % 3 || '|a' || i % 4 || '|a' || i % 5", { kind: 'multi', separator: '|' }],
    ['bars in few values', "CASE WHEN i % 10 = 0 THEN 'a|b|c' ELSE 'a' END", { kind: 'multi', separator: '|' }],
    ['semicolons and spaces', "'t' || i % 7 || '; t' || i % 4", { kind: 'multi', separator: '; ' }],
    ['commas', "'t' || i % 7 || ',t' || i % 4", { kind: 'multi', separator: ',' }],
    ['commas and spaces', "'t' || i % 7 || ', t' || i % 4", { kind: 'multi', separator: ', ' }],
    ['codes', "i % 7 || '|' || i % 4 || CASE WHEN i % 2 = 0 THEN '|9' ELSE '' END", { kind: 'multi', separator: '|' }],
    ['tokens of NDJSON', "'a' || i % 3 || '|a' || i % 4", { kind: 'multi', separator: '|' }, 'users.ndjson'],
  ])('is a list for texts of %s', async (_what, sql, expected, file = 'users.csv') => {
    expect(await proposed(sql, file)).toEqual(expected);
  });

  it.each([
    ['names', "['Smith', 'Jones', 'Brown'][1 + i % 3] || ', ' || ['John', 'Ann', 'Bob', 'Eve'][1 + i % 4]"],
    ['places', "['Paris, France', 'Rome, Italy', 'Nice, France', 'Milan, Italy'][1 + i % 4]"],
    ['companies', "['Acme', 'Globex', 'Initech'][1 + i % 3] || CASE WHEN i % 2 = 0 THEN ', Inc.' ELSE '' END"],
    ['one text among others', "CASE i WHEN 7 THEN 'a,b' ELSE 'c' || i % 5 END"],
    ['one text alone', "CASE WHEN i % 2 = 0 THEN 'Smith, John' END"],
  ])('is no list for commas in %s', async (_what, sql) => {
    expect(await proposed(sql)).toEqual({ kind: 'single' });
  });

  it.each([
    ['semicolons', "(i / 8) || ';' || (i % 3 + 0.5) || ';1'", { kind: 'vector', size: 3, separator: ';' }],
    ['spaces', "(i / 8) || ' 0.5'", { kind: 'vector', size: 2, separator: ' ' }],
    ['commas', "(i / 8) || ',0.5'", { kind: 'vector', size: 2, separator: ',' }],
    ['brackets', "'[' || (i / 8) || ', 1e-3]'", { kind: 'vector', size: 2 }],
  ])('is a vector for numbers between %s', async (_what, sql, expected) => {
    expect(await proposed(sql)).toEqual(expected);
  });

  it('tells numbers with a decimal comma from lists, and leaves out lists that are neither tokens nor vectors', async () => {
    expect(await proposed("(i % 7) || ',' || (i % 4)")).toEqual({ kind: 'number', format: 'decimal_comma' });
    expect(await proposed('\'["a", "b"]\'')).toBeNull();
    expect(await proposed("CASE WHEN i % 2 = 0 THEN '[1.5, 2]' ELSE '[1.5]' END")).toBeNull();
    expect(await proposed('CASE WHEN i % 2 = 0 THEN [1.5, 2] ELSE [0.5] END', 'users.parquet')).toBeNull();
    const vector = { kind: 'vector', size: 16 };
    expect(await proposed('list_transform(range(16), lambda n: n / 7 + i)', 'users.parquet')).toEqual(vector);
    expect(await proposed('list_transform(range(16), lambda n: n / 7 + i)', 'users.ndjson')).toEqual(vector);
  });
});
