/** CSV files in the variants that occur in practice. */
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { ImportFilesOptions } from '../../../src/population/import/import.ts';
import type { SourceSchema } from '../../../src/population/import/source-schema.ts';
import type { SourceFeature } from '../../../src/population/kinds/kind-import.ts';
import { openPopulation } from '../../../src/population/read/population.ts';
import { useFolders } from '../../fixture/folders.ts';
import { codesOf, refusalOf, snapshot } from '../support.ts';
import { importUsersOf, runSql } from './support.ts';

const newFolder = useFolders();
const CITY: SourceFeature = { name: 'city', kind: 'single', column: 'city' };
const AGE: SourceFeature = { name: 'age', kind: 'number', column: 'age' };
const PLAIN = 'user_id,city,age\n1,Rome,3\n02,"Oslo, N",\n';

interface Case extends Partial<ImportFilesOptions> {
  readonly name?: string;
  readonly features?: readonly SourceFeature[];
  readonly userId?: string;
}

/** Imports a file of the given content; its refusal names the file as FILE. */
async function importText(
  content: string | Uint8Array,
  { name = 'users.csv', features, userId, ...options }: Case = {},
) {
  const [folder, out] = [newFolder(), newFolder()];
  const path = join(folder, name);
  writeFileSync(path, content);
  const schema: SourceSchema = { userId: userId ?? 'user_id', features: features ?? [CITY, AGE] };
  const result = await importUsersOf([path], out, { schema, ...options });
  return { path, out, result };
}

async function messageOf(content: string | Uint8Array, options: Case = {}): Promise<string> {
  const folder = newFolder();
  const path = join(folder, options.name ?? 'users.csv');
  const out = join(newFolder(), 'population');
  writeFileSync(path, content);
  const schema: SourceSchema = { userId: options.userId ?? 'user_id', features: options.features ?? [CITY, AGE] };
  const { message } = await refusalOf(() => importUsersOf([path], out, { schema, ...options }));
  expect(readdirSync(join(out, '..'))).toEqual([]);
  return message.replaceAll(path, 'FILE');
}

async function agesOf(content: string, feature: Partial<SourceFeature>): Promise<number[]> {
  const { out } = await importText(content, { features: [{ ...AGE, ...feature }] });
  return codesOf(openPopulation(out).readSegment(0).columns.get('age')!, 0).concat(
    codesOf(openPopulation(out).readSegment(0).columns.get('age')!, 1),
  );
}

describe('a CSV file', () => {
  it('is the same whatever its line ends, quotes, delimiter, byte order mark and compression are', async () => {
    const expected = snapshot((await importText(PLAIN)).out);
    const rows = PLAIN.replaceAll('\n', '\r\n');
    const semicolons = 'user_id;city;age\n"1";"Rome";"3"\n02;Oslo, N;""\n';
    const both = PLAIN.replace('\n', '\r\n');
    for (const content of [rows, `\ufeff${PLAIN}`, `\ufeff${rows}`, PLAIN.trimEnd(), both, semicolons])
      expect(snapshot((await importText(content)).out)).toEqual(expected);
    const tabs = 'user_id\tcity\tage\n1\tRome\t3\n02\tOslo, N\t\n';
    expect(snapshot((await importText(tabs, { name: 'users.tsv' })).out)).toEqual(expected);
    expect(snapshot((await importText(gzipSync(PLAIN), { name: 'users.csv.gz' })).out)).toEqual(expected);
  });

  it('may be compressed by zstd', async () => {
    const [folder, out] = [newFolder(), newFolder()];
    const path = join(folder, 'users.csv.zst');
    const rows = "(VALUES ('1', 'Rome', '3'), ('02', 'Oslo, N', NULL)) t(user_id, city, age)";
    await runSql(`COPY (FROM ${rows}) TO '${path}' (FORMAT csv, COMPRESSION zstd)`);
    const schema: SourceSchema = { userId: 'user_id', features: [CITY, AGE] };
    await importUsersOf([path], out, { schema });
    expect(snapshot(out)).toEqual(snapshot((await importText(PLAIN)).out));
    const wrong: SourceSchema = { userId: 'user_id', features: [{ ...AGE, column: 'city' }] };
    const { message } = await refusalOf(() => importUsersOf([path], newFolder(), { schema: wrong }));
    expect(message).toContain(`${path}:2: the feature "age" is "Rome"`);
  });

  it('is refused if it was compressed by zstd and is truncated, even after a complete row', async () => {
    const path = join(newFolder(), 'users.csv.zst');
    const block = (text: string, isLast: boolean) =>
      Buffer.concat([
        Buffer.from([(text.length << 3) | Number(isLast), (text.length << 3) >> 8, 0]),
        Buffer.from(text),
      ]);
    const frame = [Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, 0x58]), block(PLAIN, false), block('3,Bern,4\n', true)];
    const schema: SourceSchema = { userId: 'user_id', features: [CITY, AGE] };
    writeFileSync(path, Buffer.concat(frame));
    expect(await importUsersOf([path], newFolder(), { schema })).toMatchObject({ users: 3 });
    writeFileSync(path, Buffer.concat(frame.slice(0, 2)));
    const { message } = await refusalOf(() => importUsersOf([path], newFolder(), { schema }));
    expect(message).toMatch(/cannot be read from here on: the file is truncated within a Zstandard frame/);
  });

  it('may have other names, other columns, and a column without a name', async () => {
    const content = ',customer_no,Wohnort,age\n0,007,Rome,3\n';
    const { out } = await importText(content, {
      userId: 'customer_no',
      features: [{ ...CITY, column: 'Wohnort' }, AGE],
    });
    expect(openPopulation(out).directory.find('007')).toBe(0);
    expect(openPopulation(out).dictionary('city').token(1)).toBe('Rome');
  });

  it('has dates in three forms, and seconds', async () => {
    expect(await agesOf('user_id,age\n1,1970-01-11\n2,1970-01-02T12:00:00+01:00\n', { format: 'date' })).toEqual([
      10,
      expect.closeTo(1.4583, 3),
    ]);
    expect(await agesOf('user_id,age\n1,11.01.1970\n2,2/1/1970 12:00\n', { format: 'date_dmy' })).toEqual([10, 1.5]);
    expect(await agesOf('user_id,age\n1,01/11/1970\n2,1-2-1970\n', { format: 'date_mdy' })).toEqual([10, 1]);
    expect(await agesOf('user_id,age\n1,86400\n2,\n', { format: 'epoch_s' })).toEqual([1, Number.NaN]);
    expect(await agesOf('user_id;age\n1;1,5\n2;-2\n', { format: 'decimal_comma' })).toEqual([1.5, -2]);
  });

  it('is refused by name in UTF-16, with the remedy', async () => {
    expect(await messageOf(Buffer.from(`\ufeff${PLAIN}`, 'utf16le'))).toBe(
      "FILE is in UTF-16; only UTF-8 is supported. Convert it: iconv -f UTF-16 -t UTF-8 'FILE' > users.utf8.csv",
    );
    expect(await messageOf(Buffer.from(PLAIN, 'utf16le'))).toContain('is in UTF-16');
  });

  it('is refused in another encoding, with the line', async () => {
    expect(await messageOf(Buffer.from('user_id,city,age\n1,Rome,3\n2,M\u00fcnchen,4\n', 'latin1'))).toMatch(
      /^FILE:3: the line is not valid UTF-8; if it is in Windows-1252/,
    );
  });

  it.each([
    ['', 'FILE:1: the file is empty, or has no header'],
    ['user_id,city,age\n', 'FILE is empty: a population needs at least one user'],
    ['user_id,city,city,age\n1,a,b,2\n', 'FILE:1: the header has the column "city" twice'],
    ['user_id,city,age\r1,a,2\r', /^FILE:1: lines end in CR alone/],
    ['PK\u0003\u0004\u0014', /^FILE is a spreadsheet .*; save it as CSV/],
    ['%PDF-1.7\n', /^FILE is a PDF document, not text; save its table as CSV/],
    [gzipSync(PLAIN), /^FILE is compressed with gzip; its name must end in .gz/],
    ['PAR1', /^FILE is Parquet, not text; its name must end in .parquet/],
    [
      'id,city,age\n1,a,2\n',
      'FILE has no column "user_id" (for user_id); its columns are id, city, age. Set "column" in the schema, or ' +
        'use --column user_id=NAME',
    ],
  ])('is refused for %j', async (content, message) => {
    expect(await messageOf(content)).toMatch(message);
  });

  it('has invalid rows reported with their line, also after line breaks within quotes', async () => {
    const content = 'user_id,city,age\n1,"a\nb",3\n\n2,b\n3,"c"x,4\n';
    expect(await messageOf(content)).toBe(
      'rows are bad:\n  FILE:5: the row has 2 fields, but 3 are expected\n' +
        '  FILE:6: a quoted field is followed by text before the separator',
    );
  });

  it('has values of the wrong kind reported with their line', async () => {
    const content = 'user_id,city,age\n1,"a\nb",3\n\n2,b,x\n,c,4\n';
    expect(await messageOf(content)).toBe(
      'rows are bad:\n  FILE:5: the feature "age" is "x"; it must be a number that float32 can hold, a date ' +
        '(2026-11-25, 2026-11-25T08:00:00Z) or empty\n' +
        '  FILE:6: the user id is empty; it must be text of 1 to 256 bytes',
    );
  });

  it('needs a separator for lists', async () => {
    const features: SourceFeature[] = [{ ...CITY, kind: 'multi' }];
    expect(await messageOf(PLAIN, { features })).toBe(
      'FILE: the column "city" can\'t be used: it is text, not a list: set "separator" in the schema',
    );
  });

  it.each([
    [{ maximumUserIdBytes: 1 }, 'FILE:3: the user id is longer than 1 bytes'],
    [{ maximumTokenBytes: 4 }, 'FILE:3: a token of the feature "city" is longer than 4 bytes'],
    [{ maximumUsers: 1 }, 'FILE:3: the directory is full: too many users'],
    [
      { maximumTokensPerDictionary: 1 },
      'FILE:3: the dictionary of the feature "city" is full: too many different tokens',
    ],
  ])('is refused over the limits %j', async (limits, message) => {
    expect(await messageOf(PLAIN, { limits })).toBe(message);
  });
});
