/** Parquet as a table of texts, also over many chunks: the same as NDJSON of the same rows, and what is refused. */
import { cpSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Row } from '../../../src/dataset/row-source.ts';
import { eraseUsers } from '../../../src/population/erase/erase-users.ts';
import { IMPORT_LIMITS } from '../../../src/population/import/import-limits.ts';
import { openTable } from '../../../src/population/import/open-table.ts';
import type { UserBatch } from '../../../src/population/import/user-file.ts';
import { openPopulation } from '../../../src/population/read/population.ts';
import { withParquetUsers } from '../../../src/population/tables/parquet-users.ts';
import { updateFiles } from '../../../src/population/update/update-files.ts';
import { useFolders } from '../../fixture/folders.ts';
import { IS_LONG, size } from '../../fixture/size.ts';
import { refusalOf, snapshot, type TestUser } from '../support.ts';
import { importUsersOf, runSql, SCHEMA, writeNdjson, writeParquet } from './support.ts';

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

const { features } = SCHEMA;

/** Rows of several chunks; DuckDB reads 2,048 rows at a time. */
const ROWS = 5000;

function userOf(row: number): TestUser {
  return {
    user_id: row % 2 === 0 ? `u${row}` : `a user outside of the record ${row}`,
    city: row % 7 === 0 ? null : `city ${row % 90}`,
    likes: row % 11 === 0 ? null : [`t${row % 50}`, '', `a token outside of its record ${row % 40}`].slice(row % 3),
    age: row % 5 === 0 ? null : row / 4,
    taste: row % 3 === 0 ? null : [row, 0.5, -row],
  };
}

const usersOf = (rows: number) => Array.from({ length: rows }, (_, row) => userOf(row));

async function writeBoth(users: readonly TestUser[]) {
  const folder = newFolder();
  const ndjson = writeNdjson(folder, users);
  return { ndjson, parquet: await writeParquet(folder, ndjson, features) };
}

/** What can be wrong with a row. */
const FAULTS: Readonly<Record<string, (user: TestUser) => TestUser>> = {
  'a long token': (user) => ({ ...user, city: 'x'.repeat(1025) }),
  'a long token in a list': (user) => ({ ...user, likes: ['tea', 'y'.repeat(1025)] }),
  'a long list': (user) => ({ ...user, likes: Array.from({ length: 4097 }, (_, i) => `t${i}`) }),
  'a large number': (user) => ({ ...user, age: 1e39 }),
  'a short vector': (user) => ({ ...user, taste: [1] }),
  'an empty id': (user) => ({ ...user, user_id: '' }),
  'a long id': (user) => ({ ...user, user_id: 'z'.repeat(257) }),
  'a repeated id': (user) => ({ ...user, user_id: 'u0' }),
};

type Fault = readonly [row: number, name: string];

/** The errors of an import of NDJSON and of Parquet with these faults, in which places are written alike. */
async function refusals(faults: readonly Fault[]) {
  const users = usersOf(ROWS);
  for (const [row, name] of faults) users[row] = FAULTS[name]!(users[row]!);
  const { ndjson, parquet } = await writeBoth(users);
  const found = [];
  for (const file of [ndjson, parquet]) {
    const { code, message } = await refusalOf(() => importUsersOf([file], newFolder()));
    const placed = message.replaceAll(`${ndjson}:`, 'row ').replaceAll(`${parquet} row `, 'row ');
    found.push({ code, message: placed.replaceAll('"user_id"', 'the user id') });
  }
  return found;
}

describe('Parquet of several chunks', () => {
  it('is refused for the same rows, in the same words, as NDJSON', { timeout: 300_000 }, async () => {
    const fault = fc.tuple(fc.integer({ min: 1, max: ROWS - 1 }), fc.constantFrom(...Object.keys(FAULTS)));
    await fc.assert(
      fc.asyncProperty(fc.array(fault, { minLength: 2, maxLength: 4 }), async (faults) => {
        const [ofNdjson, ofParquet] = await refusals(faults);
        expect(ofParquet).toEqual(ofNdjson);
      }),
      { numRuns: size(4, 20) },
    );
  });

  it.runIf(IS_LONG)('gives the same bytes over the end of a segment, and with erased and replaced rows', async () => {
    const users = usersOf(70_000);
    users[69_000] = { ...users[69_000]!, user_id: 'u10' };
    const { ndjson, parquet } = await writeBoth(users);
    const [first, second] = [newFolder(), newFolder()];
    await importUsersOf([writeNdjson(newFolder(), usersOf(30))], first);
    await eraseUsers(first, ['u4', userOf(29).user_id as string, 'u3000', 'u66666'], openPopulation(first));
    cpSync(first, second, { recursive: true });
    const results = [];
    for (const [file, out] of [
      [ndjson, first],
      [parquet, second],
    ] as const)
      results.push(await importUsersOf([file], out, { duplicates: 'last' }));
    expect(results[1]).toEqual(results[0]);
    expect(results[1]).toMatchObject({ erased: 4, replaced: 1, users: 69_995 });
    expect(snapshot(second)).toEqual(snapshot(first));
  });

  it('gives the same version if it updates one', async () => {
    const base = newFolder();
    await importUsersOf([writeNdjson(newFolder(), usersOf(6000))], base);
    const changed = usersOf(12_000).map((user, row) => (row % 3 === 0 ? { ...user, age: row } : user));
    const { ndjson, parquet } = await writeBoth(changed);
    const results = [];
    for (const file of [ndjson, parquet]) {
      const out = newFolder();
      cpSync(base, out, { recursive: true });
      results.push([
        await updateFiles({ population: out, changed: [file], deleted: [], schema: () => SCHEMA }),
        snapshot(out),
      ]);
    }
    expect(results[1]).toEqual(results[0]);
  });
});

describe('a batch of Parquet', () => {
  it('is empty once the next one is requested, so that its memory can be used again', async () => {
    const { parquet } = await writeBoth(usersOf(ROWS));
    const options = { schema: SCHEMA, limits: IMPORT_LIMITS, scratch: newFolder() };
    await withParquetUsers([parquet], options, async ([file]) => {
      let before: UserBatch | null = null;
      for await (const batch of file!.batches()) {
        expect((batch.userId(1) as { readonly length: number }).length).toBeGreaterThan(0);
        if (before !== null) expect(() => before!.userId(0)).toThrow(TypeError);
        before = batch;
      }
    });
  });
});
