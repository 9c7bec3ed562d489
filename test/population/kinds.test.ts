/** Every kind of feature, by one table of cases: a kind without a case does not compile. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FEATURE_KINDS, type FeatureKind } from '../../src/lib/feature-kinds.ts';
import { quoteCsv } from '../../src/lib/text/csv.ts';
import type { SourceFeature } from '../../src/population/kinds/kind-import.ts';
import { openPopulation } from '../../src/population/read/population.ts';
import { inferSchema } from '../../src/population/tables/infer-schema.ts';
import { useFolders } from '../fixture/folders.ts';
import { codesOf, refusalOf, snapshot } from './support.ts';
import { importUsersOf } from './tables/support.ts';

interface Case {
  readonly says?: Partial<SourceFeature>;
  /** The same values as JSON and as text. */
  readonly values: readonly (readonly [json: unknown, text: string])[];
  /** Values that are refused, with what must be said of both. */
  readonly refused: readonly (readonly [json: unknown, text: string, message: string])[];
  /** The text of a column, by row, for which this kind is proposed. */
  readonly looks: (row: number) => string;
}

const LONG = 'x'.repeat(1025);

const CASES: { readonly [K in FeatureKind]: Case } = {
  single: {
    values: [
      ['Rome', 'Rome'],
      [7, '7'],
      [true, 'true'],
      [null, ''],
    ],
    refused: [[LONG, LONG, 'a token of the feature "f" is longer than 1024 bytes']],
    looks: (row) => `city${row % 7}`,
  },
  multi: {
    says: { separator: '|' },
    values: [
      [['tea', 'jazz', 'tea'], 'tea|jazz|tea'],
      [['tea', '', 'golf'], 'tea||golf'],
      [[], ''],
    ],
    refused: [[['tea', LONG], `tea|${LONG}`, 'a token of the feature "f" is longer than 1024 bytes']],
    looks: (row) => `a${row % 5}|b${row % 3}`,
  },
  number: {
    values: [
      [3.7, '3.7'],
      [-1e30, '-1e30'],
      ['2026-11-25', '2026-11-25'],
      [null, ''],
    ],
    refused: [
      ['tall', 'tall', 'it must be a number that float32 can hold, a date'],
      [1e39, '1e39', 'it must be a number that float32 can hold, a date'],
    ],
    looks: (row) => String(row * 1.5),
  },
  vector: {
    says: { size: 2 },
    values: [
      [[0.1, -3], '[0.1,-3]'],
      [null, ''],
    ],
    refused: [
      [[1], '[1]', 'the vector "f" '],
      [[1, 1e39], '[1, 1e39]', 'numbers that float32 can hold'],
    ],
    looks: (row) => `[${row}, 0.5]`,
  },
};

const newFolder = useFolders();

function write(name: string, lines: readonly string[]): string {
  const path = join(newFolder(), name);
  writeFileSync(path, lines.map((line) => `${line}\n`).join(''));
  return path;
}

describe.each(FEATURE_KINDS)('the kind %s', (kind) => {
  const { says, values, refused, looks } = CASES[kind];
  const schema = { userId: 'user_id', features: [{ name: 'f', kind, column: 'f', ...says }] };
  const asJson = (all: readonly unknown[]) => all.map((f, i) => JSON.stringify({ user_id: `u${i}`, f }));
  const asCsv = (all: readonly string[]) => ['user_id,f', ...all.map((text, i) => `u${i},${quoteCsv(text)}`)];

  it('is read the same from NDJSON and from CSV', async () => {
    const [a, b] = [newFolder(), newFolder()];
    await importUsersOf([write('users.ndjson', asJson(values.map(([json]) => json)))], a, { schema });
    await importUsersOf([write('users.csv', asCsv(values.map(([, text]) => text)))], b, { schema });
    expect(snapshot(b)).toEqual(snapshot(a));
  });

  it.each(refused.map(([json, text, message]) => [message, json, text] as const))(
    'refuses: %s',
    async (message, json, text) => {
      const ndjson = write('users.ndjson', asJson([values[0]![0], json]));
      const csv = write('users.csv', asCsv([values[0]![1], text]));
      const refusals = [
        await refusalOf(() => importUsersOf([ndjson], newFolder(), { schema })),
        await refusalOf(() => importUsersOf([csv], newFolder(), { schema })),
      ];
      for (const refusal of refusals) expect(refusal).toMatchObject({ code: 'invalid_data' });
      expect(refusals[0]!.message).toContain(`${ndjson}:2: `);
      expect(refusals[1]!.message).toContain(`${csv}:3: `);
      for (const refusal of refusals) expect(refusal.message).toContain(message);
    },
  );

  it('is proposed for a column that looks like it', async () => {
    const csv = write('users.csv', asCsv(Array.from({ length: 200 }, (_, row) => looks(row))));
    const { schema: proposed } = await inferSchema([csv], newFolder(), 1000);
    expect(proposed.features).toMatchObject([{ name: 'f', kind, ...says }]);
  });
});

/** Imports one feature of one user: tokens as text, numbers as they are. */
async function read(record: object, feature: Omit<SourceFeature, 'name' | 'column'> & { readonly column?: string }) {
  const [folder, out] = [newFolder(), newFolder()];
  const path = join(folder, 'users.ndjson');
  writeFileSync(path, `${JSON.stringify({ id: 'u', ...record })}\n`);
  const schema = { userId: 'id', features: [{ name: 'f', column: 'x', ...feature }] };
  await importUsersOf([path], out, { schema });
  const population = openPopulation(out);
  const codes = codesOf(population.readSegment(0).columns.get('f')!, 0);
  const isToken = feature.kind === 'single' || feature.kind === 'multi';
  return isToken ? codes.map((code) => population.dictionary('f').token(code)) : codes;
}

describe('a value of a JSON record', () => {
  it.each([
    ['Rome', { kind: 'single' }, ['Rome']],
    ['a|b', { kind: 'multi', separator: '|' }, ['a', 'b']],
    ['', { kind: 'multi', separator: '|' }, []],
    [['a|b'], { kind: 'multi', separator: '|' }, ['a|b']],
    ['1970-01-11', { kind: 'number', format: 'date' }, [10]],
    ['11.1.1970', { kind: 'number', format: 'date_dmy' }, [10]],
    ['1/11/1970', { kind: 'number', format: 'date_mdy' }, [10]],
    [86_400, { kind: 'number', format: 'epoch_s' }, [1]],
    [86_400_000, { kind: 'number', format: 'epoch_ms' }, [1]],
    ['3,5', { kind: 'number', format: 'decimal_comma' }, [3.5]],
    [3.5, { kind: 'number', format: 'decimal_comma' }, [3.5]],
    ['', { kind: 'number', format: 'date' }, [Number.NaN]],
    [null, { kind: 'number', format: 'date' }, [Number.NaN]],
  ] as const)('%j of %j is %j', async (x, feature, expected) => {
    expect(await read({ x }, feature)).toEqual(expected);
  });

  it.each([
    ['2026-11-25', { kind: 'number', format: 'date_dmy' }, 'is "2026-11-25"; its format is date_dmy'],
    [20_000, { kind: 'number', format: 'date' }, 'is "20000"; its format is date'],
    ['1.000', { kind: 'number', format: 'decimal_comma' }, 'is "1.000"; its format is decimal_comma'],
    ['3.5', { kind: 'number' }, 'is text; it must be a number that float32 can hold, a date'],
    ['a,b', { kind: 'multi' }, 'is text; it must be a list of strings or null (it is of kind multi)'],
  ] as const)('%j of %j is refused', async (x, feature, message) => {
    const refusal = await refusalOf(() => read({ x }, feature));
    expect(refusal.message).toContain(`users.ndjson:1: the feature "f" ${message}`);
  });

  it('is a vector of its columns, of which all or none are missing', async () => {
    const vector = { kind: 'vector', size: 2, column: 'v_*' } as const;
    expect(await read({ v_0: 1, v_1: 2 }, vector)).toEqual([1, 2]);
    expect(await read({ v_1: 1, v_2: 2 }, vector)).toEqual([1, 2]);
    expect(await read({}, vector)).toEqual([Number.NaN, Number.NaN]);
    const { message } = await refusalOf(() => read({ v_0: 1, v_1: null }, vector));
    expect(message).toContain('the feature "f" is null; it must be a list of numbers');
  });

  it('is refused if it is absent, or the id is, by the names of the file', async () => {
    expect((await refusalOf(() => read({ y: 1 }, { kind: 'single' }))).message).toContain('the feature "f" is absent');
    expect((await refusalOf(() => read({ id: null, x: 1 }, { kind: 'single' }))).message).toContain('"id" is null');
  });
});
