/** The description of a data set folder. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { getDataSetFile, MAXIMUM_DESCRIPTION_BYTES, openDataSet } from '../../src/dataset/data-set.ts';
import { useFolders } from '../fixture/folders.ts';
import { refusalOf } from '../population/support.ts';

const newFolder = useFolders();

const GOOD = {
  name: 'films',
  user_features: [
    { name: 'age', kind: 'single', sensitive: true },
    { name: 'history', kind: 'multi', max_length: 50 },
  ],
  campaign_features: [{ name: 'genres', kind: 'multi' }],
};

function write(description: unknown): string {
  const folder = newFolder();
  const text = typeof description === 'string' ? description : JSON.stringify(description);
  writeFileSync(join(folder, 'dataset.json'), text);
  return folder;
}

describe('openDataSet', () => {
  it('reads the schema and ignores other keys', () => {
    const path = write({ ...GOOD, made: 'by hand', counts: { users: 3 } });
    expect(openDataSet(path)).toEqual({
      path,
      name: 'films',
      userFeatures: [
        { name: 'age', kind: 'single', sensitive: true },
        { name: 'history', kind: 'multi', maxLength: 50 },
      ],
      campaignFeatures: [{ name: 'genres', kind: 'multi' }],
    });
  });

  const user = (features: unknown) => ({ ...GOOD, user_features: features });
  it.each<[string, unknown, RegExp]>([
    ['text that is not JSON', '{"name":', /dataset\.json cannot be read as JSON/],
    [
      'a description over the limit',
      ' '.repeat(MAXIMUM_DESCRIPTION_BYTES + 1),
      /has 1048577 bytes; at most 1048576 are supported/,
    ],
    ['no user features', user([]), /#\/user_features: /],
    ['an unknown kind', user([{ name: 'age', kind: 'text' }]), /#\/user_features\/0\/kind: /],
    ['a vector without a size', user([{ name: 'v', kind: 'vector' }]), /the vector "v" has no size/],
    ['a number with a size', user([{ name: 'age', kind: 'number', size: 2 }]), /has a size, but is not a vector/],
    ['a feature twice', user([GOOD.user_features[0], GOOD.user_features[0]]), /the feature "age" appears twice/],
    ['a reserved name', user([{ name: 'user_id', kind: 'single' }]), /"user_id" is a reserved key/],
    ['a long name', user([{ name: 'n'.repeat(81), kind: 'single' }]), /must have 1 to 80 characters/],
    [
      'a name with a control character',
      user([{ name: 'a\u0000', kind: 'single' }]),
      /must not contain control characters/,
    ],
    ["a name like a list's length", user([{ name: 'a.length', kind: 'single' }]), /must not end in "\.length"/],
    [
      '1,001 features',
      user(Array.from({ length: 1001 }, (_, i) => ({ name: `f${i}`, kind: 'single' }))),
      /there are 1001 features; at most 1000 are supported/,
    ],
  ])('refuses %s', async (_, description, message) => {
    const path = write(description);
    const error = await refusalOf(() => openDataSet(path));
    expect(error.code).toBe('invalid_data');
    expect(error.message).toMatch(message);
  });
});

describe('getDataSetFile', () => {
  it('finds a file plain or compressed', () => {
    const path = write(GOOD);
    writeFileSync(join(path, 'users.ndjson'), '');
    writeFileSync(join(path, 'interactions.csv.gz'), '');
    const dataSet = openDataSet(path);
    expect(getDataSetFile(dataSet, 'users.ndjson')).toBe(join(path, 'users.ndjson'));
    expect(getDataSetFile(dataSet, 'interactions.csv')).toBe(join(path, 'interactions.csv.gz'));
  });

  it('refuses a file that is missing, or exists in both forms', async () => {
    const path = write(GOOD);
    const dataSet = openDataSet(path);
    const missing = await refusalOf(() => getDataSetFile(dataSet, 'users.ndjson'));
    expect(missing).toMatchObject({
      code: 'invalid_data',
      message: `${path} has no users.ndjson, users.ndjson.gz or users.ndjson.zst`,
    });
    writeFileSync(join(path, 'users.ndjson'), '');
    writeFileSync(join(path, 'users.ndjson.gz'), '');
    expect((await refusalOf(() => getDataSetFile(dataSet, 'users.ndjson'))).message).toContain(
      'keep only one of these files',
    );
  });
});
