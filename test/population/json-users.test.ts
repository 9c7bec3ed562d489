/** Values in NDJSON with the formats and columns of a schema. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { SourceFeature } from '../../src/population/kinds/kind-import.ts';
import { openPopulation } from '../../src/population/read/population.ts';
import { useFolders } from '../fixture/folders.ts';
import { codesOf, refusalOf } from './support.ts';
import { importUsersOf } from './tables/support.ts';

const newFolder = useFolders();

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
