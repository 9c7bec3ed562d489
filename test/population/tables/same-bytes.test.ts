/** Users of any form: the same users give the same bytes. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FeatureKind } from '../../../src/lib/feature-kinds.ts';
import { importPopulation } from '../../../src/population/import/import.ts';
import type { SourceFeature } from '../../../src/population/kinds/kind-import.ts';
import { useFolders } from '../../fixture/folders.ts';
import { size } from '../../fixture/size.ts';
import { snapshot, type TestUser, writeDataSet } from '../support.ts';
import { importUsersOf, PEOPLE, SCHEMA, SEPARATOR, writeCsv, writeNdjson, writeParquet } from './support.ts';

const newFolder = useFolders();

async function snapshots(users: readonly TestUser[], features: readonly SourceFeature[], before: readonly TestUser[]) {
  const folder = newFolder();
  const ndjson = writeNdjson(folder, users);
  const paths = [ndjson, writeCsv(folder, users, features), await writeParquet(folder, ndjson, features)];
  const taken: Map<string, string>[] = [];
  for (const path of paths) {
    const out = newFolder();
    const schema = { userId: 'user_id', features };
    if (before.length > 0) await importUsersOf([writeNdjson(newFolder(), before)], out, { schema });
    await importUsersOf([path], out, { schema });
    taken.push(snapshot(out));
  }
  return taken;
}

describe('the same users as NDJSON, CSV and Parquet', () => {
  it('give the same bytes as a data set of them', async () => {
    const [source, out] = [newFolder(), newFolder()];
    writeDataSet(source, PEOPLE, { features: SCHEMA.features });
    await importPopulation({ source, features: SCHEMA.features, out });
    for (const taken of await snapshots(PEOPLE, SCHEMA.features, [])) expect(taken).toEqual(snapshot(out));
  });

  it('give the same bytes over an earlier version with other tokens', async () => {
    const before = [{ user_id: '7', city: 'Oslo', likes: ['golf', 'tea'], age: 1, taste: null }];
    const [ndjson, csv, parquet] = await snapshots(PEOPLE, SCHEMA.features, before);
    expect(csv).toEqual(ndjson);
    expect(parquet).toEqual(ndjson);
  });

  it('give the same bytes over several chunks of texts within and outside of DuckDB records', async () => {
    const nameOf = (i: number) => (i % 3 === 0 ? `t${i % 6000}` : `a token outside of its record ${i % 6000}`);
    const users = Array.from({ length: 9000 }, (_, i) => ({
      user_id: i % 5 === 0 ? `${i}` : `a user outside of the record ${i}`,
      city: i % 7 === 0 ? null : nameOf(i),
      likes: i % 11 === 0 ? null : ['tea', nameOf(i + 1), nameOf(2 * i), 'exactly12byt', 'exactly13byte'].slice(i % 5),
      age: i,
      taste: null,
    }));
    const [ndjson, , parquet] = await snapshots(users, SCHEMA.features, []);
    expect(parquet).toEqual(ndjson);
  });

  it('give the same bytes whatever the schema and the users are', { timeout: 300_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(world(), async ({ features, users, before }) => {
        const [ndjson, csv, parquet] = await snapshots(users, features, before);
        expect(csv).toEqual(ndjson);
        expect(parquet).toEqual(ndjson);
      }),
      { numRuns: size(6, 15) },
    );
  });
});

const text = (maxLength: number) =>
  fc
    .array(fc.constantFrom(...'ab\u00e7 ,;"\'\n\t\u6f22\u{1f600}0-'), { maxLength })
    .map((characters) => characters.join(''));

function valuesOf({ kind, size: length = 0 }: SourceFeature): fc.Arbitrary<unknown> {
  const number = fc.oneof(fc.integer(), fc.double({ noNaN: true, min: -3e38, max: 3e38 }));
  switch (kind) {
    case 'single':
      return fc.option(text(4));
    case 'multi':
      return fc.option(fc.array(text(3), { maxLength: 5 }));
    case 'number':
      return fc.option(fc.oneof(number));
    case 'vector':
      return fc.option(fc.array(number, { minLength: length, maxLength: length }));
  }
}

function world(): fc.Arbitrary<{ features: SourceFeature[]; users: TestUser[]; before: TestUser[] }> {
  const kinds = fc.array(fc.constantFrom<FeatureKind>('single', 'multi', 'number', 'vector'), {
    minLength: 1,
    maxLength: 5,
  });
  return kinds.chain((list) => {
    const features = list.map((kind, i): SourceFeature => {
      const [name, column] = [`feature ${i}`, `c${i}`];
      return {
        name,
        kind,
        column,
        ...(kind === 'multi' ? { separator: SEPARATOR } : {}),
        ...(kind === 'vector' ? { size: i + 1 } : {}),
      };
    });
    const user = fc.record({
      user_id: text(6).filter((id) => id !== ''),
      ...Object.fromEntries(features.map((feature) => [feature.column, valuesOf(feature)])),
    });
    const users = (minLength: number, maxLength: number) =>
      fc.uniqueArray(user, { minLength, maxLength, selector: ({ user_id }) => user_id });
    return fc.record({ features: fc.constant(features), users: users(1, 30), before: users(0, 4) });
  });
}
