/** schema.json: what it may hold, and what of it is refused. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { populationFeatures, readSourceSchema } from '../../src/population/import/source-schema.ts';
import { useFolders } from '../fixture/folders.ts';
import { refusalOf } from './support.ts';

const newFolder = useFolders();

function write(value: unknown): string {
  const path = join(newFolder(), 'schema.json');
  writeFileSync(path, typeof value === 'string' ? value : JSON.stringify(value));
  return path;
}

describe('schema.json', () => {
  it('says which columns are what; the command line says it again', () => {
    const path = write({
      user_id: 'customer_no',
      delimiter: ';',
      features: [
        { name: 'city', kind: 'single', notes: ['VARCHAR'], sensitive: true },
        { name: 'v', kind: 'vector', size: 2, column: 'v_*' },
        { name: 'likes', kind: 'multi', separator: '|', max_length: 9 },
      ],
    });
    const schema = readSourceSchema(
      path,
      new Map([
        ['user_id', 'id'],
        ['city', 'Wohnort'],
      ]),
    );
    expect(schema).toEqual({
      userId: 'id',
      delimiter: ';',
      features: [
        { name: 'city', kind: 'single', column: 'Wohnort', sensitive: true },
        { name: 'v', kind: 'vector', size: 2, column: 'v_*' },
        { name: 'likes', kind: 'multi', column: 'likes', separator: '|', maxLength: 9 },
      ],
    });
    expect(populationFeatures(schema)).toEqual([
      { name: 'city', kind: 'single', sensitive: true },
      { name: 'v', kind: 'vector', size: 2 },
      { name: 'likes', kind: 'multi', maxLength: 9 },
    ]);
    expect(readSourceSchema(write({ features: [{ name: 'a', kind: 'single' }] })).userId).toBe('user_id');
  });

  it.each([
    ['{', /schema\.json can't be read as JSON/],
    [{ features: [] }, /schema\.json#\/features: /],
    [{ features: [{ name: 'a', kind: 'text' }] }, /schema\.json#\/features\/0\/kind: /],
    [{ features: [{ name: 'a', kind: 'single', colum: 'b' }] }, /Unrecognized key: "colum"/],
    [{ features: [{ name: 'a', kind: 'vector' }] }, /the vector "a" has no size/],
    [
      {
        features: [
          { name: 'a', kind: 'single' },
          { name: 'a', kind: 'single' },
        ],
      },
      /the feature "a" appears twice/,
    ],
    [{ features: [{ name: 'a', kind: 'single', separator: '|' }] }, /"a" is of kind single and has a separator/],
    [{ features: [{ name: 'a', kind: 'single', format: 'date' }] }, /the format date is for number/],
    [{ features: [{ name: 'a', kind: 'number', format: 'integer' }] }, /the format integer is for single/],
    [{ features: [{ name: 'a', kind: 'vector', size: 2, column: '*_*' }] }, /the pattern \*_\* has more than one \*/],
  ])('is refused as %j', async (value, message) => {
    expect((await refusalOf(() => readSourceSchema(write(value)))).message).toMatch(message);
  });

  it('has a feature for each column that the command line says', async () => {
    const path = write({ features: [{ name: 'a', kind: 'single' }] });
    const { message } = await refusalOf(() => readSourceSchema(path, new Map([['b', 'x']])));
    expect(message).toBe(`--column b=..: ${path} has no feature "b"`);
  });
});
