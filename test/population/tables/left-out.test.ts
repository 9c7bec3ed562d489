/** Rows that an import leaves out: bad ones up to a number, and those that a later row replaces. */
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openPopulation } from '../../../src/population/read/population.ts';
import { useFolders } from '../../fixture/folders.ts';
import { refusalOf, snapshot, type TestUser } from '../support.ts';
import { importUsersOf, PEOPLE, SCHEMA, writeCsv, writeNdjson, writeParquet } from './support.ts';

const newFolder = useFolders();
const LATER = { user_id: '007', city: 'Bergen', likes: ['tea'], age: 4, taste: null };

async function writeAll(users: readonly TestUser[]): Promise<string[]> {
  const folder = newFolder();
  const ndjson = writeNdjson(folder, users);
  return [ndjson, writeCsv(folder, users, SCHEMA.features), await writeParquet(folder, ndjson, SCHEMA.features)];
}

describe('a user who appears twice', () => {
  it('is refused with file and line, or row', async () => {
    const places: string[] = [];
    for (const path of await writeAll([...PEOPLE, LATER])) {
      const { message } = await refusalOf(() => importUsersOf([path], newFolder()));
      places.push(message.replace(path, 'FILE'));
    }
    expect(places).toEqual([
      'FILE:5: the user "007" appears a second time',
      'FILE:6: the user "007" appears a second time',
      'FILE row 5: the user "007" appears a second time',
    ]);
  });

  it('is the last row where that is asked for, and its first row leaves no token behind', async () => {
    const expected = newFolder();
    await importUsersOf([writeNdjson(newFolder(), [...PEOPLE.slice(1), LATER])], expected);
    for (const path of await writeAll([...PEOPLE, LATER])) {
      const out = newFolder();
      expect(await importUsersOf([path], out, { duplicates: 'last' })).toMatchObject({ users: 4, replaced: 1 });
      expect(snapshot(out)).toEqual(snapshot(expected));
      expect(openPopulation(out).dictionary('city').find('Rome')).toBe(0);
    }
  });
});

describe('bad rows', () => {
  const bad = { user_id: 'bad', city: 'Nowhere', likes: ['nothing'], age: 1, taste: [1, 2] };

  it('are left out up to a number, and leave no token behind', async () => {
    const expected = newFolder();
    await importUsersOf([writeNdjson(newFolder(), PEOPLE)], expected);
    for (const path of await writeAll([PEOPLE[0]!, bad, ...PEOPLE.slice(1)])) {
      const out = newFolder();
      const result = await importUsersOf([path], out, { maximumBadRows: 1 });
      expect(result).toMatchObject({ users: 4, badRows: 1 });
      expect(result.worst).toEqual([expect.stringMatching(/(:2|:3| row 2): the vector "taste"/)]);
      expect(snapshot(out)).toEqual(snapshot(expected));
    }
  });

  it('are refused when they are more, and are all told of', async () => {
    for (const path of await writeAll([bad, ...PEOPLE, { ...bad, user_id: 'worse' }])) {
      const { message, details } = await refusalOf(() => importUsersOf([path], newFolder(), { maximumBadRows: 1 }));
      expect(message).toMatch(/^more than 1 rows are bad:\n/);
      expect(details).toHaveLength(2);
    }
  });
});

describe('files', () => {
  it('are one population together, in the order in which they are given', async () => {
    const [expected, out] = [newFolder(), newFolder()];
    await importUsersOf([writeNdjson(newFolder(), PEOPLE)], expected);
    for (const index of [0, 1, 2]) {
      const paths = [(await writeAll(PEOPLE.slice(0, 2)))[index]!, (await writeAll(PEOPLE.slice(2)))[index]!];
      await importUsersOf(paths, out);
      expect(snapshot(out)).toEqual(snapshot(expected));
    }
  });

  it('may have signs of patterns in their names, and be in a folder that has', async () => {
    const [folder, expected] = [join(newFolder(), 'a[b]c*'), newFolder()];
    mkdirSync(folder);
    await importUsersOf([writeNdjson(newFolder(), PEOPLE)], expected);
    const ndjson = writeNdjson(folder, PEOPLE);
    const parquet = await writeParquet(newFolder(), ndjson.replace(/[*[]/g, '[$&]'), SCHEMA.features);
    copyFileSync(parquet, join(folder, 'u?.parquet'));
    for (const path of [writeCsv(folder, PEOPLE, SCHEMA.features), join(folder, 'u?.parquet')]) {
      const out = join(folder, 'out');
      await importUsersOf([path], out);
      expect(snapshot(out)).toEqual(snapshot(expected));
    }
  });

  it('of a pattern are read by name', async () => {
    const [folder, out, expected] = [newFolder(), newFolder(), newFolder()];
    for (const [i, user] of PEOPLE.entries()) {
      writeFileSync(join(folder, `part-${i}.jsonl`), `${JSON.stringify(user)}\n`);
    }
    await importUsersOf([join(folder, 'part-*.jsonl')], out);
    await importUsersOf([writeNdjson(newFolder(), PEOPLE)], expected);
    expect(snapshot(out)).toEqual(snapshot(expected));
  });

  it.each([
    [['a.parquet', 'b.csv'], 'the files have different formats (parquet, csv): use only one format'],
    [['a.xlsx'], /^a.xlsx: the name does not show the format; it must end in/],
    [['none.parquet'], 'none.parquet: not found'],
    [['none-*.parquet'], 'none-*.parquet: not found'],
    [['https://127.0.0.1/a.jsonl'], 'NDJSON can only be read from this machine: copy the file here first'],
    [[], 'there is no file to import'],
  ])('%j are refused', async (sources, message) => {
    const { message: actual } = await refusalOf(() => importUsersOf(sources, join(newFolder(), 'out')));
    if (typeof message === 'string') expect(actual).toBe(message);
    else expect(actual).toMatch(message);
  });
});
