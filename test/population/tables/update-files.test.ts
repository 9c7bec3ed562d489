/** The same delta as NDJSON, CSV and Parquet, and lists of ids in every form. */
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { openPopulation } from '../../../src/population/read/population.ts';
import { fitSchema, type UpdateFilesOptions, updateFiles } from '../../../src/population/update/update-files.ts';
import { useFolders } from '../../fixture/folders.ts';
import { refusalOf, snapshot } from '../support.ts';
import { importUsersOf, PEOPLE, runSql, SCHEMA, writeCsv, writeNdjson, writeParquet } from './support.ts';

const newFolder = useFolders();
const CHANGED = [
  { user_id: '007', city: 'Bern', likes: ['golf', 'tea'], age: null, taste: [0, 1, 0.5] },
  PEOPLE[2]!,
  { user_id: 'new', city: 'Oslo', likes: [], age: 3, taste: null },
];

async function newPopulation(): Promise<string> {
  const out = newFolder();
  await importUsersOf([writeNdjson(newFolder(), PEOPLE)], out);
  return out;
}

const update = (population: string, options: Partial<UpdateFilesOptions>) =>
  updateFiles({
    ...{ population, changed: [], deleted: [] },
    schema: (features) => fitSchema(SCHEMA, features, 'schema.json'),
    ...options,
  });

describe('an update from tables', () => {
  it('gives the same version whatever the form of its files is', async () => {
    const first = await newPopulation();
    const folder = newFolder();
    const ndjson = writeNdjson(folder, CHANGED);
    const csv = writeCsv(folder, CHANGED, SCHEMA.features);
    const parquet = await writeParquet(folder, ndjson, SCHEMA.features);
    const snapshots = [];
    for (const file of [ndjson, csv, parquet, join(folder, '*.parquet')]) {
      const out = newFolder();
      cpSync(first, out, { recursive: true });
      expect(await update(out, { changed: [file] })).toMatchObject({ changed: 1, added: 1, unchanged: 1, users: 5 });
      snapshots.push(snapshot(out));
    }
    for (const one of snapshots) expect(one).toEqual(snapshots[0]);
  });

  it('reads ids from text, CSV, Parquet and NDJSON, by the column of the schema', async () => {
    const folder = newFolder();
    const path = (name: string) => join(folder, name);
    writeFileSync(path('ids.txt'), '\ufeff007\r\n\r\nnobody\r\n');
    writeFileSync(path('ids.txt.gz'), gzipSync('007\n'));
    writeFileSync(path('ids.csv'), 'name;customer\nx;007\n"y;";nobody\n');
    writeFileSync(path('ids.ndjson'), '"007"\n{"customer":"nobody","why":"left"}\n');
    await runSql(`COPY (SELECT 7 AS customer) TO '${path('ids.parquet')}'`);
    mkdirSync(path('parts'));
    for (const id of ['7', '007']) writeFileSync(path(`parts/${id}.txt`), `${id}\n`);
    const schema: UpdateFilesOptions['schema'] = () => ({ ...SCHEMA, userId: 'customer' });
    const leftOf = async (...deleted: string[]) => {
      const out = await newPopulation();
      const { unknown } = await update(out, { deleted, schema });
      const { rowOf, directory } = openPopulation(out);
      return [...PEOPLE.map(({ user_id }) => rowOf[directory.find(String(user_id))]! >= 0), unknown];
    };
    expect(await leftOf(path('ids.txt'))).toEqual([false, true, true, true, 1]);
    expect(await leftOf(path('ids.txt.gz'))).toEqual([false, true, true, true, 0]);
    expect(await leftOf(path('ids.csv'))).toEqual([false, true, true, true, 1]);
    expect(await leftOf(path('ids.ndjson'))).toEqual([false, true, true, true, 1]);
    expect(await leftOf(path('ids.parquet'))).toEqual([true, true, true, false, 0]);
    expect(await leftOf(path('ids.parquet'), path('ids.csv'))).toEqual([false, true, true, false, 1]);
    expect(await leftOf(path('parts/*.txt'))).toEqual([false, true, true, false, 0]);
  });

  it('reads whole numbers of NDJSON as Parquet has them, in changed users and in ids', async () => {
    const people = [7, 8].map((user_id) => ({ user_id, city: user_id + 1, likes: [user_id, 3], age: 1, taste: null }));
    const folder = newFolder();
    const ndjson = writeNdjson(folder, people as unknown as typeof PEOPLE);
    const parquet = join(folder, 'people.parquet');
    await runSql(`COPY (SELECT * FROM read_json('${ndjson}', format = 'newline_delimited', columns = {user_id: 'BIGINT',
      city: 'BIGINT', likes: 'BIGINT[]', age: 'DOUBLE', taste: 'DOUBLE[]'})) TO '${parquet}' (FORMAT parquet)`);
    const first = await newPopulation();
    const snapshots = [];
    for (const file of [ndjson, parquet]) {
      const out = newFolder();
      cpSync(first, out, { recursive: true });
      expect(await update(out, { changed: [file] })).toMatchObject({ changed: 1, added: 1 });
      snapshots.push(snapshot(out));
      writeFileSync(join(folder, 'ids.ndjson'), '7\n{"user_id":8}\n');
      expect(await update(out, { deleted: [join(folder, 'ids.ndjson')] })).toMatchObject({ deleted: 2, unknown: 0 });
    }
    expect(snapshots[0]).toEqual(snapshots[1]);
  });

  it('names what is wrong with a list of ids, and leaves it out where that is asked for', async () => {
    const out = await newPopulation();
    const before = snapshot(out);
    const folder = newFolder();
    const refusalFor = async (name: string, text: string) => {
      writeFileSync(join(folder, name), text);
      return (await refusalOf(() => update(out, { deleted: [join(folder, name)] }))).message;
    };
    expect(await refusalFor('a.csv', 'user_id,x\n007,1\n,2\n')).toMatch(/a\.csv:3: the user id is empty/);
    expect(await refusalFor('b.csv', 'id\n007\n')).toMatch(/b\.csv has no column "user_id"/);
    expect(await refusalFor('c.ndjson', '"a"\n7.5\n')).toMatch(/c\.ndjson:2: the line is a number that is not whole/);
    expect(await refusalFor('g.ndjson', '{"user_id":9007199254740993}\n')).toMatch(/g\.ndjson:1: .*beyond 2\^53/);
    expect(await refusalFor('d.ndjson', '{"id":"a"}\n')).toMatch(/d\.ndjson:1: the line is an object; it must be text/);
    expect(await refusalFor('e.ndjson', 'a\n')).toMatch(/e\.ndjson:1: the line is not JSON/);
    expect(await refusalFor('f.xlsx', 'a\n')).toMatch(/f\.xlsx: the name does not show the format/);
    expect((await refusalOf(() => update(out, { deleted: ['https://x.test/ids.txt'] }))).message).toMatch(
      /this machine/,
    );
    expect(snapshot(out)).toEqual(before);
    const result = await update(out, { deleted: [join(folder, 'a.csv'), join(folder, 'c.ndjson')], maximumBadRows: 2 });
    expect(result).toMatchObject({ deleted: 1, unknown: 1, badRows: 2 });
  });

  it('refuses a user that is deleted too with the line of the table', async () => {
    const out = await newPopulation();
    const folder = newFolder();
    writeFileSync(join(folder, 'ids.txt'), 'new\n');
    const csv = writeCsv(folder, CHANGED, SCHEMA.features);
    const { message } = await refusalOf(() => update(out, { changed: [csv], deleted: [join(folder, 'ids.txt')] }));
    expect(message).toMatch(/users\.csv:4: the user "new" is both changed and deleted/);
  });
});

describe('fitSchema', () => {
  const features = SCHEMA.features.map(({ name, kind, size }) => ({ name, kind, ...(size ? { size } : {}) }));

  it("takes the features in the population's order", () => {
    const reversed = { ...SCHEMA, features: [...SCHEMA.features].reverse() };
    expect(fitSchema(reversed, features, 'schema.json')).toEqual(SCHEMA);
  });

  it.each([
    [
      SCHEMA.features.slice(1),
      /schema\.json: the schema lacks the population's feature "city"; an update cannot change/,
    ],
    [[...SCHEMA.features, { name: 'x', kind: 'single' as const, column: 'x' }], /the population has no feature "x"/],
    [
      SCHEMA.features.map((one) => ({ ...one, sensitive: true })),
      /"city" is single, sensitive, but single in the population/,
    ],
    [
      SCHEMA.features.map((one) => (one.size ? { ...one, size: 4 } : one)),
      /is vector of 4, but vector of 3 in the population/,
    ],
  ])('refuses other features (%#)', async (others, message) => {
    const error = await refusalOf(() => fitSchema({ ...SCHEMA, features: others }, features, 'schema.json'));
    expect([error.code, error.message]).toEqual(['invalid_argument', expect.stringMatching(message)]);
  });
});
