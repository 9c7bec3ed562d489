import { describe, expect, it } from 'vitest';
import type { Pool, Tensor } from '../../packages/onnx-grad/index.ts';
import { createRng } from '../../src/lib/rng.ts';
import { Pools } from '../../src/online/scoring/pools.ts';

const TABLE_ROWS = 7;
const BATCH = 5;
const ALL = new Set(['sums']);
const rng = createRng('pools');
const floats = (shape: number[]): Tensor => ({
  dtype: 'float32',
  shape,
  data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => rng.normal()),
});
const ints = (shape: number[], bound: number): Tensor => ({
  dtype: 'int32',
  shape,
  data: Int32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => rng.integer(bound)),
});

const poolsOf = (pools: readonly Omit<Pool, 'rows' | 'input'>[]): Pools =>
  new Pools(
    pools.map((pool) => ({ ...pool, rows: TABLE_ROWS, input: 'sums' })),
    BATCH,
  );

describe('Pools', () => {
  it.each([1, 3, 4, 15, 16, 17, 33, 64])('sums rows of %i values as plain loops do, list by list', (width) => {
    const length = 6;
    const pools = poolsOf([
      { table: 'plain', width, index: 'one', length: 1, weights: null, column: 0 },
      { table: 'weighed', width, index: 'ids', length, weights: 'weights', column: width },
    ]);
    const tables = new Map([
      ['plain', floats([TABLE_ROWS, width])],
      ['weighed', floats([TABLE_ROWS, width])],
    ]);
    pools.setTables(tables);
    const weights = floats([BATCH, length]);
    weights.data[3] = 0;
    const lists = { one: ints([BATCH], TABLE_ROWS), ids: ints([BATCH, length], TABLE_ROWS), weights };
    // counted from the end
    (lists.ids.data as Int32Array)[0] = -1;
    const wanted = new Float32Array(BATCH * 2 * width);
    for (let row = 0; row < BATCH; row++)
      for (let c = 0; c < width; c++) {
        wanted[2 * row * width + c] = Number(tables.get('plain')!.data[Number(lists.one.data[row]) * width + c]);
        for (let j = row * length; j < (row + 1) * length; j++) {
          const place = (Number(lists.ids.data[j]) + TABLE_ROWS) % TABLE_ROWS;
          const term = Math.fround(Number(weights.data[j]) * Number(tables.get('weighed')!.data[place * width + c]));
          wanted[(2 * row + 1) * width + c]! += term;
        }
      }
    const { data, shape } = pools.sums(lists, BATCH, ALL)['sums']!;
    expect(shape).toEqual([BATCH, 2 * width]);
    expect(data).toEqual(wanted);
    expect(pools.sums(lists, 2, ALL)['sums']!.data).toEqual(wanted.subarray(0, 4 * width));
  });

  it.each([TABLE_ROWS, -TABLE_ROWS - 1])('refuses index %i, with the table', (index) => {
    const pools = poolsOf([{ table: 't', width: 2, index: 'one', length: 1, weights: null, column: 0 }]);
    const one = ints([BATCH], TABLE_ROWS);
    one.data[4] = index;
    expect(() => pools.sums({ one }, BATCH, ALL)).toThrow(`index ${index} is outside table "t" of ${TABLE_ROWS} rows`);
    expect(() => pools.sums({ one }, 4, ALL)).not.toThrow();
  });
});
