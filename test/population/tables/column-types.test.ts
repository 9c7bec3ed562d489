/** Parquet columns of the types that programs write, and those that are refused. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { SourceFeature } from '../../../src/population/kinds/kind-import.ts';
import { openPopulation } from '../../../src/population/read/population.ts';
import { useFolders } from '../../fixture/folders.ts';
import { codesOf, refusalOf } from '../support.ts';
import { importUsersOf, runSql } from './support.ts';

const newFolder = useFolders();

/** Imports one feature of a table of three users, made by `sql` from i = 0, 1, 2. */
async function read(sql: string, feature: Omit<SourceFeature, 'name' | 'column'> & { readonly column?: string }) {
  const path = join(newFolder(), 'users.parquet');
  await runSql(`COPY (SELECT i AS user_id, ${sql} FROM range(3) t(i)) TO '${path}'`);
  const out = newFolder();
  await importUsersOf([path], out, {
    schema: { userId: 'user_id', features: [{ name: 'f', column: 'x', ...feature }] },
  });
  const population = openPopulation(out);
  const column = population.readSegment(0).columns.get('f')!;
  const values = [0, 1, 2].map((row) => codesOf(column, row));
  const isToken = feature.kind === 'single' || feature.kind === 'multi';
  return isToken ? values.map((codes) => codes.map((code) => population.dictionary('f').token(code))) : values.flat();
}

const days = Date.UTC(2026, 10, 25) / 86_400_000;

describe('a column of Parquet', () => {
  it.each([
    ['i::INTEGER AS x', [['0'], ['1'], ['2']]],
    ['i > 0 AS x', [['false'], ['true'], ['true']]],
    ["DATE '2026-11-25' AS x", [['2026-11-25'], ['2026-11-25'], ['2026-11-25']]],
    ['nullif(i, 1)::VARCHAR AS x', [['0'], [''], ['2']]],
    ["encode('a' || i) AS x", [['a0'], ['a1'], ['a2']]],
  ])('of %s is tokens', async (sql, expected) => {
    expect(await read(sql, { kind: 'single' })).toEqual(expected);
  });

  it('of floats is tokens where they are said to be whole numbers', async () => {
    const sql = "CASE i WHEN 0 THEN 25.0::DOUBLE WHEN 1 THEN 'nan'::DOUBLE END AS x";
    expect(await read(sql, { kind: 'single', format: 'integer' })).toEqual([['25'], [''], ['']]);
    const { message } = await refusalOf(() => read('i + 0.5 AS x', { kind: 'single' }));
    expect(message).toMatch(
      /the column "x" can't be used: it is DECIMAL\(.*\): import it as a number, or set the format/,
    );
    const fraction = await refusalOf(() => read('(i + 0.5)::DOUBLE AS x', { kind: 'single', format: 'integer' }));
    expect(fraction.message).toMatch(
      /users\.parquet row 1: the feature "f" is a number that is not whole; it must be text, a whole number/,
    );
  });

  it.each([
    [
      "['a', NULL, '', 'b'] AS x",
      [
        ['a', 'b'],
        ['a', 'b'],
        ['a', 'b'],
      ],
    ],
    ['CASE i WHEN 0 THEN [1, 2] WHEN 1 THEN [] END AS x', [['1', '2'], [], []]],
    ['NULL::VARCHAR[] AS x', [[], [], []]],
  ])('of %s is lists of tokens', async (sql, expected) => {
    expect(await read(sql, { kind: 'multi' })).toEqual(expected);
  });

  it.each([
    ['i::TINYINT AS x', {}, [0, 1, 2]],
    ["CASE i WHEN 0 THEN 'nan'::DOUBLE WHEN 1 THEN 1.5 END AS x", {}, [Number.NaN, 1.5, Number.NaN]],
    ['(i + 0.25)::DECIMAL(10, 2) AS x', {}, [0.25, 1.25, 2.25]],
    ["DATE '2026-11-25' + i::INTEGER AS x", {}, [days, days + 1, days + 2]],
    ["TIMESTAMP '2026-11-25 12:00:00' AS x", {}, [days + 0.5, days + 0.5, days + 0.5]],
    ["TIMESTAMPTZ '2026-11-25 12:00:00+06:00' AS x", {}, [days + 0.25, days + 0.25, days + 0.25]],
    ['i * 86400 AS x', { format: 'epoch_s' }, [0, 1, 2]],
    ['i * 86400000 AS x', { format: 'epoch_ms' }, [0, 1, 2]],
    ["'2026-11-2' || (5 + i) AS x", { format: 'date' }, [days, days + 1, days + 2]],
  ] as const)('of %s is numbers', async (sql, more, expected) => {
    expect(await read(sql, { kind: 'number', ...more })).toEqual(expected);
  });

  it.each([
    ['[i, 0.5]::FLOAT[2] AS x', {}],
    ['[i, 0.5]::DOUBLE[] AS x', {}],
    ["'[' || i || ', 0.5]' AS x", {}],
    ["'[' || i || '   0.5]' AS x", { separator: ' ' }],
    ["i || ';0.5' AS x", { separator: ';' }],
    ['i AS v_0, 0.5 AS v_1', { column: 'v_*' }],
    ["i::VARCHAR AS v1, '0.5' AS v2", { column: 'v*' }],
  ] as const)('of %s is vectors', async (sql, more) => {
    expect(await read(sql, { kind: 'vector', size: 2, ...more })).toEqual([0, 0.5, 1, 0.5, 2, 0.5]);
  });

  it('has no vector where all is missing', async () => {
    const sql = 'NULLIF(i, 1) AS v_0, CASE WHEN i <> 1 THEN 0.5 END AS v_1';
    const expected = [0, 0.5, Number.NaN, Number.NaN, 2, 0.5];
    expect(await read(sql, { kind: 'vector', size: 2, column: 'v_*' })).toEqual(expected);
  });

  it.each([
    ['i AS x', { kind: 'multi' }, 'it is BIGINT, not a list'],
    ['[i::DOUBLE] AS x', { kind: 'multi' }, 'it is DOUBLE[]: import it as a number'],
    ['{a: i} AS x', { kind: 'single' }, 'it is STRUCT(a BIGINT), not tokens'],
    ['i AS x', { kind: 'number', format: 'date' }, 'it is a number, not text in the format date'],
    ["DATE '2026-11-25' AS x", { kind: 'number', format: 'date_dmy' }, 'it is a date, not text in the format date_dmy'],
    ['[i] AS x', { kind: 'number' }, 'it is neither a number nor a date'],
    ["['a'] AS x", { kind: 'vector', size: 1 }, 'it is VARCHAR[], not a list of numbers'],
    ['i AS x', { kind: 'vector', size: 1 }, 'it is BIGINT, not a list of numbers'],
    [
      'i AS v_0, i AS v_1',
      { kind: 'vector', size: 1, column: 'v_*' },
      'the vector "f" has the size 1, but there are more columns',
    ],
    ['i AS v_0', { kind: 'vector', size: 2, column: 'v_*' }, 'has no column "v_1"'],
  ] as const)('of %s is refused as %j', async (sql, feature, message) => {
    expect((await refusalOf(() => read(sql, feature))).message).toContain(message);
  });

  it.each([
    ['1e300 AS x', { kind: 'number' }, 'row 1: the feature "f" is 1e+300; it must be a number that float32 can hold'],
    ["'infinity'::DOUBLE AS x", { kind: 'number' }, 'row 1: the feature "f" is Infinity'],
    ['[1.0] AS x', { kind: 'vector', size: 2 }, 'row 1: the vector "f" has 1 numbers, not 2'],
    ["[1, 'nan'::DOUBLE] AS x", { kind: 'vector', size: 2 }, 'it must be a list of numbers that float32 can hold'],
    ['[1, NULL] AS x', { kind: 'vector', size: 2 }, 'it must be a list of numbers that float32 can hold'],
    ["'[1,x]' AS x", { kind: 'vector', size: 2 }, 'it must be a list of numbers that float32 can hold'],
    [
      "'abc' AS x",
      { kind: 'vector', size: 2 },
      'row 1: the feature "f" is "abc"; it must be a list of 2 numbers in brackets',
    ],
    [
      'i AS v_0, NULLIF(i, 2) AS v_1',
      { kind: 'vector', size: 2, column: 'v_*' },
      'row 3: the feature "f" is NaN; it must be a list of numbers',
    ],
  ] as const)('with the value %s is refused as %j', async (sql, feature, message) => {
    expect((await refusalOf(() => read(sql, feature))).message).toContain(message);
  });

  it('of floats is no user id', async () => {
    const path = join(newFolder(), 'users.parquet');
    await runSql(`COPY (SELECT i::DOUBLE AS user_id, 'a' AS x FROM range(3) t(i)) TO '${path}'`);
    const schema = { userId: 'user_id', features: [{ name: 'x', kind: 'single' as const, column: 'x' }] };
    const { message } = await refusalOf(() => importUsersOf([path], newFolder(), { schema }));
    expect(message).toContain('the column "user_id" can\'t be used: user ids must be text or whole numbers');
  });
});
