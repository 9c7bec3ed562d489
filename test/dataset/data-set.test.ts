/** The description of a data set folder, and its tables in common formats. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { getDataSetFile, MAXIMUM_DESCRIPTION_BYTES, openDataSet } from '../../src/dataset/data-set.ts';
import type { DelimitedOptions } from '../../src/dataset/delimited-source.ts';
import { openRows } from '../../src/dataset/open-rows.ts';
import type { Row } from '../../src/dataset/row-source.ts';
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

function writeRows(name: string, content: string | Uint8Array): string {
  const path = join(newFolder(), name);
  writeFileSync(path, content);
  return path;
}

/** The values of all rows, of all columns unless some are named. */
async function read(path: string, options: DelimitedOptions = {}, columns?: readonly string[]) {
  const source = await openRows(path, options);
  const rows: Row[] = [];
  for await (const batch of source.read(columns ?? source.columns)) rows.push(...batch);
  return { columns: source.columns, values: rows.map(({ values }) => values), lines: rows.map(({ line }) => line) };
}

describe('openRows', () => {
  const expected = {
    columns: ['id', 'city'],
    values: [
      ['007', 'Bern'],
      ['8', null],
    ],
    lines: [2, 4],
  } as const;

  it.each([
    ['commas', 't.csv', 'id,city\n007,Bern\n\n8,\n'],
    ['semicolons, CRLF and a byte order mark', 't.csv', '\ufeffid;city\r\n007;"Bern"\r\n\r\n8;\r\n'],
    ['tabs', 't.tsv', 'id\tcity\n007\tBern\n\n8\t'],
    ['bars', 't.txt', 'id|city\n007|Bern\n\n8|\n'],
    ['objects', 't.jsonl', '{"id":"007","city":"Bern"}\n\n \n{"id":8}\n'],
  ])('reads %s, as they are and as gzip', async (_, name, content) => {
    const plain = await read(writeRows(name, content));
    expect(plain).toEqual({ ...expected, lines: [name.endsWith('l') ? 1 : 2, 4] });
    expect(await read(writeRows(`${name}.gz`, gzipSync(content)))).toEqual(plain);
  });

  it('reads quoted fields with the separator in them', async () => {
    const { values } = await read(writeRows('t.csv', 'a;b\n"1;5";"say ""hi"""\n'));
    expect(values).toEqual([['1;5', 'say "hi"']]);
  });

  it('reads records that span lines, also in a header, and names the line at which one begins', async () => {
    const content = '\n"id";"home\ntown"\r\n1;"a\r\nb"\n\n2;c\n\n\n';
    expect(await read(writeRows('t.csv', content))).toEqual({
      columns: ['id', 'home\ntown'],
      values: [
        ['1', 'a\r\nb'],
        ['2', 'c'],
      ],
      lines: [4, 7],
    });
    const error = await refusalOf(() => read(writeRows('t.csv', 'a,b\n1,"x\ny"\n2,"z\n"w,\n')));
    expect(error.message).toContain('t.csv:4: a quoted field is followed by text');
  });

  it('reads MovieLens 1M: no header, two colons, Latin-1, quotes without a special meaning', async () => {
    const path = writeRows('movies.dat', Buffer.from('1::Mis\u00e9rables "Les" (1995)::Drama|War\n', 'latin1'));
    const { values } = await read(path, { columns: ['item', 'title', 'genres'], encoding: 'latin-1' });
    expect(values).toEqual([['1', 'Mis\u00e9rables "Les" (1995)', 'Drama|War']]);
  });

  it('returns the requested columns in that order, as often as requested', async () => {
    const source = await openRows(writeRows('t.csv', 'a,b,c\n1,2,3\n'));
    for (let i = 0; i < 2; i++)
      for await (const rows of source.read(['c', 'a'])) expect(rows).toEqual([{ line: 2, values: ['3', '1'] }]);
  });

  it('takes numbers, true and false as text, and lists as lists', async () => {
    const { values } = await read(writeRows('t.ndjson', '{"a":1.5,"b":true,"c":["x",2,null,""],"d":[]}\n'));
    expect(values).toEqual([['1.5', 'true', ['x', '2'], null]]);
  });

  it.each<[string, string | Uint8Array, DelimitedOptions, string]>([
    ['t.csv', '', {}, 't.csv:1: the file is empty'],
    ['t.ndjson', ' \n', {}, 't.ndjson:1: the file is empty'],
    ['t.csv', 'a,b\n1\n', {}, 't.csv:2: the row has 1 fields, but 2 are expected'],
    ['t.csv', 'a,a\n', {}, 't.csv:1: the column "a" appears twice'],
    ['t.csv', 'a,,b\n', {}, 't.csv:1: column 2 has no name'],
    ['t.csv', 'a,b\n1,"x\n', {}, 't.csv:2: a quoted field is not closed'],
    ['t.dat', '1::2::3\n', { columns: ['a', 'b'] }, 'has 3 fields, separated by "::", but 2 column names'],
    ['t.ndjson', '{"a":1}\n{"a":9007199254740993}\n', {}, 't.ndjson:2: "a" is a whole number beyond 2^53'],
    ['t.ndjson', '{"a":1}\n{"a":{"b":1}}\n', {}, 't.ndjson:2: "a" is an object; text, a number, or a list'],
    ['t.ndjson', '[1]\n', {}, 't.ndjson:1: the line is a list'],
    ['t.parquet', 'PAR1', {}, 'Parquet is not supported'],
    ['t.csv', 'PK\u0003\u0004\n', {}, 't.csv:1: the file is a spreadsheet (Excel, OpenDocument) or a ZIP archive'],
    ['t.csv.gz', gzipSync('%PDF-1.7\n'), {}, 't.csv.gz:1: the file is a PDF document, not text; save its table as CSV'],
    ['t.csv', gzipSync('a,b\n'), {}, 't.csv:1: the file is compressed with gzip; its name must end in .gz'],
    ['t.csv', Buffer.from('a,b\n1,2\n', 'utf16le'), {}, 't.csv:1: the file is UTF-16 text; convert it to UTF-8'],
    ['t.csv', 'a,b\r1,2\r', {}, 't.csv:1: lines end in CR alone'],
    ['t.csv', 'a,b\n1,5" disc\n', {}, 't.csv:2: an unquoted field contains a quote'],
    ['t.csv', 'a,b\n', { delimiter: '"' }, 'cannot separate'],
  ])('refuses %s with %j', async (name, content, options, message) => {
    const path = writeRows(name, content);
    const error = await refusalOf(() => read(path, options));
    expect(error.message).toContain(message);
  });
});
