/** Parquet over many chunks of DuckDB, compared with NDJSON. */
import { cpSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { eraseUsers } from '../../../src/population/erase/erase-users.ts';
import { IMPORT_LIMITS } from '../../../src/population/import/import-limits.ts';
import type { UserBatch } from '../../../src/population/import/user-file.ts';
import { openPopulation } from '../../../src/population/read/population.ts';
import { withParquetUsers } from '../../../src/population/tables/parquet-users.ts';
import { updateFiles } from '../../../src/population/update/update-files.ts';
import { useFolders } from '../../fixture/folders.ts';
import { IS_LONG, size } from '../../fixture/size.ts';
import { refusalOf, snapshot, type TestUser } from '../support.ts';
import { importUsersOf, SCHEMA, writeNdjson, writeParquet } from './support.ts';

const newFolder = useFolders();
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
