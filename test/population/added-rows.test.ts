/** Rows after those of a population: their values by the rules of an import, and reads that mix both. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { importPopulation } from '../../src/population/import.ts';
import { openPopulation, openValueCheck, readAddedRows, withAddedRows } from '../../src/population/read.ts';
import { temporaryFolder } from '../fixture/folders.ts';
import { valuesOf } from '../fixture/user-values.ts';

const folder = temporaryFolder();
const features = [
  { name: 'country', kind: 'single' as const },
  { name: 'likes', kind: 'multi' as const, maxLength: 3 },
  { name: 'age', kind: 'number' as const },
  { name: 'taste', kind: 'vector' as const, size: 2 },
];
const USERS = Array.from({ length: 20 }, (_, i) => ({
  user_id: `u${i}`,
  country: i % 7 === 0 ? null : ['DE', 'AT', 'CH'][i % 3]!,
  likes: ['a', 'b', 'c'].filter((_, bit) => (i >> bit) & 1),
  age: i % 5 === 0 ? null : i,
  taste: i % 4 === 0 ? null : [i / 2, -i],
}));
const user_features = features.map(({ maxLength, ...feature }) => ({
  ...feature,
  ...(maxLength && { max_length: maxLength }),
}));
writeFileSync(join(folder, 'dataset.json'), JSON.stringify({ name: 'rows', user_features, campaign_features: [] }));
writeFileSync(join(folder, 'users.ndjson'), USERS.map((user) => `${JSON.stringify(user)}\n`).join(''));
await importPopulation({ source: folder, features, out: join(folder, 'population') });
const population = openPopulation(join(folder, 'population'));
const ids = USERS.map(({ user_id }) => user_id);

describe('added rows', () => {
  it('equal the rows of users with equal features, in any order beside these', async () => {
    const added = await readAddedRows(population, valuesOf(population, ids));
    expect(added.firstRow).toBe(USERS.length);
    const users = withAddedRows(population, added);
    const wanted = Int32Array.from([3, 25, 20, 1, 39, 0, 3]);
    const { userNumbers, columns } = users.readRows(wanted);
    expect([...userNumbers]).toEqual([3, -1, -1, 1, -1, 0, 3]);
    expect(columns).toEqual(population.readRows(wanted.map((row) => row % USERS.length)).columns);
  });

  it('have code 0 for tokens that no user has, and missing values for absent features', async () => {
    const { rows } = await readAddedRows(population, ['{"country":"FR","likes":["z","b",""]}']);
    expect(rows.columns.get('country')).toMatchObject({ codes: Int32Array.of(0) });
    const b = population.dictionary('likes').find('b');
    expect(rows.columns.get('likes')).toMatchObject({ offsets: Int32Array.of(0, 2), codes: Int32Array.of(0, b) });
    expect(rows.columns.get('taste')).toMatchObject({ values: Float32Array.of(Number.NaN, Number.NaN) });
  });

  it('are read whatever was accepted, and refused with a sentence otherwise', async () => {
    const check = openValueCheck(features);
    const json = fc.jsonValue();
    const users = fc.oneof(fc.record({ country: json, likes: json, age: json, taste: json }), json);
    await fc.assert(
      fc.asyncProperty(users, async (values) => {
        const checked = check(values);
        if ('fault' in checked) expect(checked.fault).toMatch(/feature|vector/);
        else expect((await readAddedRows(population, [checked.json])).rows.count).toBe(1);
      }),
    );
  });

  it('are checked as an import would, one after another', () => {
    const check = openValueCheck(features);
    const values = { country: 'DE', likes: ['a', 7], age: '1970-01-02', taste: null };
    const json = '{"age":"1970-01-02","country":"DE","likes":["a",7],"taste":null}';
    expect(check({ ...values, other: 1 })).toEqual({ json });
    expect(check({ ...values, taste: [1] })).toEqual({ fault: 'the vector "taste" has 1 numbers, not 2' });
    expect(check({ ...values, likes: ['a', 0.5] })).toMatchObject({ fault: expect.stringContaining('"likes"') });
    expect(check({ ...values, age: undefined })).toMatchObject({ fault: expect.stringContaining('"age"') });
    expect(check(values)).toEqual({ json });
    const { age: _, ...absent } = values;
    expect(check(absent)).toEqual({ fault: 'the feature "age" is absent: write null for an unknown value' });
    // past campaigns are derived from a history, which users outside the population do not have
    expect(openValueCheck([...features, { name: 'past_campaigns', kind: 'multi' }])(values)).toEqual({ json });
  });
});
