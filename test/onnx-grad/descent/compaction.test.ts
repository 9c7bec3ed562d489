/** Compact tables: which rows they contain, at which positions, and how they are written back. */
import { describe, expect, it } from 'vitest';
import { Builder, cutTables, numbersOf, tensor } from '../../../packages/onnx-grad/index.ts';
import { compact, indexReader, needsIndexSession } from '../../../packages/onnx-grad/src/adam/compaction.ts';

const b = new Builder();
const table = b.initializer('table', tensor('float32', [5, 2], [0, 1, 10, 11, 20, 21, 30, 31, 40, 41]));
const rows = b.add('Gather', [table, b.input('ids', 'int32', ['batch', 2])], { axis: 0 });
const graph = b.build('look-up', [rows]);
const cut = cutTables(graph, ['table']);
const batches = [{ ids: tensor('int32', [2, 2], [4, 1, 1, 4]) }, { ids: tensor('int32', [1, 2], [-2, 1]) }];

describe('compact', () => {
  it("contains the rows of all batches, ascending, and each batch's positions", async () => {
    expect(needsIndexSession(cut.indexGraph)).toBe(false);
    const made = await compact(cut, graph.initializers, indexReader(cut.indexGraph, null), batches);
    // -2 counts from the end: row 3
    expect([...made.rows.get('table')!]).toEqual([1, 3, 4]);
    expect(made.parameters.get('table')).toEqual(tensor('float32', [3, 2], [10, 11, 30, 31, 40, 41]));
    expect(made.places).toEqual([
      { 'table.place': tensor('int32', [2, 2], [2, 0, 0, 2]) },
      { 'table.place': tensor('int32', [1, 2], [1, 0]) },
    ]);
    const back = made.restore(new Map([['table', tensor('float32', [3, 2], [1, 1, 3, 3, 4, 4])]]));
    expect(numbersOf(back.get('table')!)).toEqual([0, 1, 1, 1, 20, 21, 3, 3, 4, 4]);
    expect(numbersOf(graph.initializers.get('table')!)).toEqual([0, 1, 10, 11, 20, 21, 30, 31, 40, 41]);
  });

  it.each([
    ['int32', 5],
    ['int32', -6],
    ['int64', 2 ** 33],
  ] as const)('refuses the %s index %d, which is in no row', async (dtype, index) => {
    const ids = tensor(dtype, [1, 2], [0, index]);
    await expect(compact(cut, graph.initializers, indexReader(cut.indexGraph, null), [{ ids }])).rejects.toMatchObject({
      code: 'index_out_of_range',
      message: expect.stringContaining(`index ${index} `),
    });
  });
});
