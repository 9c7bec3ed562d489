/** JSON records with the columns of a file. */
import { describe, expect, it } from 'vitest';
import { toUserRecord } from '../../src/population/import/source-records.ts';
import type { SourceFeature } from '../../src/population/kinds/kind-import.ts';
import { refusalOf } from './support.ts';

const read = (value: unknown, feature: Omit<SourceFeature, 'name' | 'column'>) =>
  toUserRecord({ id: 'u', x: value }, 'FILE', 7, { userId: 'id', features: [{ name: 'f', column: 'x', ...feature }] });

describe('a record of a file', () => {
  it('has the names of the schema', () => {
    expect(read('Rome', { kind: 'single' })).toEqual({ user_id: 'u', f: 'Rome' });
    expect(read(null, { kind: 'number', format: 'date' })).toEqual({ user_id: 'u', f: null });
  });

  it('lacks what the file lacks', () => {
    const features: SourceFeature[] = [{ name: 'f', kind: 'single', column: 'y' }];
    expect(toUserRecord({ x: 1 }, 'FILE', 1, { userId: 'id', features })).toEqual({});
  });

  it.each([
    ['a|b', { kind: 'multi', separator: '|' }, ['a', 'b']],
    ['', { kind: 'multi', separator: '|' }, []],
    [['a|b'], { kind: 'multi', separator: '|' }, ['a|b']],
    ['1970-01-11', { kind: 'number', format: 'date' }, 10],
    ['11.1.1970', { kind: 'number', format: 'date_dmy' }, 10],
    ['1/11/1970', { kind: 'number', format: 'date_mdy' }, 10],
    [86_400, { kind: 'number', format: 'epoch_s' }, 1],
    [86_400_000, { kind: 'number', format: 'epoch_ms' }, 1],
    ['3,5', { kind: 'number', format: 'decimal_comma' }, 3.5],
    [3.5, { kind: 'number', format: 'decimal_comma' }, 3.5],
    ['', { kind: 'number', format: 'date' }, null],
  ] as const)('with %j, of %j, has %j', (value, feature, expected) => {
    expect(read(value, feature)).toEqual({ user_id: 'u', f: expected });
  });

  it('is refused for a value of another format', async () => {
    const { message } = await refusalOf(() => read('2026-11-25', { kind: 'number', format: 'date_dmy' }));
    expect(message).toBe('FILE:7: the feature "f" is "2026-11-25"; its format is date_dmy');
    expect((await refusalOf(() => read('1.000', { kind: 'number', format: 'decimal_comma' }))).message).toContain(
      'FILE:7',
    );
  });

  it('has a vector of its columns, of which all or none are missing', () => {
    const features: SourceFeature[] = [{ name: 'f', kind: 'vector', size: 2, column: 'v_*' }];
    const schema = { userId: 'id', features };
    expect(toUserRecord({ v_0: 1, v_1: 2 }, 'FILE', 1, schema)).toEqual({ f: [1, 2] });
    expect(toUserRecord({ v_1: 1, v_2: 2 }, 'FILE', 1, schema)).toEqual({ f: [1, 2] });
    expect(toUserRecord({ v_0: 1, v_1: null }, 'FILE', 1, schema)).toEqual({ f: [1, null] });
    expect(toUserRecord({}, 'FILE', 1, schema)).toEqual({ f: null });
  });
});
