/** Cutting at the look-ups of tables: which tables are compact, which stay whole and why, and the two graphs. */
import { describe, expect, it } from 'vitest';
import { Builder } from '../../packages/onnx-grad/src/graph/builder.ts';
import type { Graph, Value } from '../../packages/onnx-grad/src/graph/ir.ts';
import { printGraph } from '../../packages/onnx-grad/src/graph/print.ts';
import { tensor } from '../../packages/onnx-grad/src/graph/tensor.ts';
import { cutTables, type TableCut, trainableParameters } from '../../packages/onnx-grad/src/rewrite/cut-tables.ts';

/** A graph with a table `[4, 2]`, a weight `[2]` and ids; `score` computes its output. */
function graphOf(
  score: (b: Builder, parts: { table: Value; weight: Value; ids: Value }) => Value | readonly Value[],
): Graph {
  const b = new Builder();
  const ids = b.input('ids', 'int64', ['batch']);
  const table = b.initializer('table', tensor('float32', [4, 2], [1, 2, 3, 4, 5, 6, 7, 8]));
  const weight = b.initializer('weight', tensor('float32', [2], [1, 2]));
  return b.build('model', [score(b, { table, weight, ids })].flat());
}

const cutAll = (graph: Graph, options?: { compact?: boolean }): TableCut =>
  cutTables(graph, [...graph.initializers.keys()], options);
const tablesOf = (cut: TableCut): string[] => cut.tables.map(({ parameter }) => parameter);

describe('cutTables', () => {
  it('cuts at a look-up by computed indices: the index graph computes them', () => {
    const cut = cutAll(
      graphOf((b, { table, weight, ids }) => {
        const shifted = b.add('Add', [ids, b.scalar(1, ids)], {}, { name: 'shifted' });
        const rows = b.add('Gather', [table, shifted], { axis: 0 }, { name: 'look-up' });
        return b.add('Mul', [rows, weight], {}, { name: 'score' });
      }),
    );
    expect(cut.tables).toEqual([
      { parameter: 'table', rows: 4, lookups: [{ index: 'shifted', input: 'table.place', output: 'look-up' }] },
    ]);
    expect(cut.dense).toEqual(new Map([['weight', 'Mul node "score" uses the whole parameter']]));
    expect(printGraph(cut.indexGraph)).toMatchInlineSnapshot(`
      "graph model
      inputs
        ids: int64[batch]
      nodes
        shifted: int64[batch] = Add(ids, 1)
      outputs
        shifted: int64[batch]"
    `);
    expect(printGraph(cut.compactGraph)).toMatchInlineSnapshot(`
      "graph model
      inputs
        table: float32[rows.table, 2]
        weight: float32[2]
        table.place: int32[batch]
      nodes
        look-up: float32[batch, 2] = Gather(table, table.place, axis=0)
        score: float32[batch, 2] = Mul(look-up, weight)
      outputs
        score: float32[batch, 2]"
    `);
  });

  it('keeps the parameters that indices depend on in the index graph, and no others', () => {
    const graph = graphOf((b, { table, weight, ids }) => {
      const offset = b.initializer('offset', tensor('int64', [1], [1]));
      return b.add('Mul', [b.add('Gather', [table, b.add('Add', [ids, offset])], { axis: 0 }), weight]);
    });
    expect([...cutTables(graph, ['table', 'weight']).indexGraph.initializers.keys()]).toEqual(['offset']);
  });

  it('keeps an input that the rest of the model uses too', () => {
    const cut = cutAll(
      graphOf((b, { table, weight, ids }) => {
        const rows = b.add('Mul', [b.add('Gather', [table, ids], { axis: 0 }), weight]);
        const isSome = b.add('Unsqueeze', [b.add('Cast', [ids], { to: 'float32' }), b.ints([1])]);
        return b.add('Mul', [rows, isSome]);
      }),
    );
    expect(cut.compactGraph.inputs).toEqual(['ids', 'table', 'weight', 'table.place']);
    expect(cut.indexGraph.inputs).toEqual(['ids']);
    expect(cut.indexGraph.nodes).toEqual([]);
  });

  it('cuts a table that several look-ups share, each with its own positions', () => {
    const cut = cutAll(
      graphOf((b, { table, weight, ids }) => {
        const other = b.input('other', 'int32', ['batch', 3]);
        const first = b.add('ReduceSum', [b.add('Gather', [table, ids], { axis: 0 })], { keepdims: 0 });
        const second = b.add('ReduceSum', [b.add('Gather', [table, other])], { keepdims: 0 });
        return b.add('Mul', [b.add('Add', [first, second]), weight]);
      }),
    );
    expect(cut.tables[0]!.lookups).toEqual([
      { index: 'ids', input: 'table.place', output: 'Gather' },
      { index: 'other', input: 'table.place.1', output: 'Gather_1' },
    ]);
    expect(cut.compactGraph.values.get('table.place.1')).toMatchObject({ dtype: 'int32', shape: ['batch', 3] });
    expect(cut.compactGraph.values.get('table')).toMatchObject({ shape: ['rows.table', 2] });
  });

  it('cuts no table if this is switched off', () => {
    const graph = graphOf((b, { table, weight, ids }) =>
      b.add('Mul', [b.add('Gather', [table, ids], { axis: 0 }), weight]),
    );
    const cut = cutAll(graph, { compact: false });
    expect(cut.tables).toEqual([]);
    expect([...cut.dense.keys()]).toEqual(['table', 'weight']);
    expect(cut.compactGraph.values.get('table')!.shape).toEqual([4, 2]);
    expect(cut.compactGraph.inputs).toEqual(['ids', 'table', 'weight']);
    expect(cut.compactGraph.initializers.size).toBe(0);
    expect(cut.indexGraph.outputs).toEqual([]);
  });

  it('does not change anything that is not a parameter of the cut', () => {
    const graph = graphOf((b, { table, weight, ids }) =>
      b.add('Mul', [b.add('Gather', [table, ids], { axis: 0 }), weight]),
    );
    const cut = cutTables(graph, ['weight']);
    expect(cut.tables).toEqual([]);
    expect([...cut.compactGraph.initializers.keys()]).toEqual(['table']);
    expect(cut.compactGraph.inputs).toEqual(['ids', 'weight']);
  });

  it.each<[string, string, Parameters<typeof graphOf>[0]]>([
    [
      'another consumer',
      'ReduceSum node "norm" uses the whole parameter',
      (b, { table, ids }) => {
        const rows = b.add('Gather', [table, ids], { axis: 0 });
        return b.add('Add', [rows, b.add('ReduceSum', [table], { keepdims: 0 }, { name: 'norm' })]);
      },
    ],
    [
      'a look-up along another axis',
      'Gather node "columns" uses the whole parameter',
      (b, { table, ids }) => b.add('Gather', [table, ids], { axis: 1 }, { name: 'columns' }),
    ],
    [
      'indices that are made of a parameter',
      'the indices of "look-up" depend on a parameter',
      (b, { table, weight }) => {
        const ids = b.add('Cast', [weight], { to: 'int64' });
        return b.add('Gather', [table, ids], { axis: 0 }, { name: 'look-up' });
      },
    ],
    [
      'being an output itself',
      'the parameter is an output',
      (b, { table, ids }) => [b.add('Gather', [table, ids], { axis: 0 }), table],
    ],
    ['nothing that uses it', 'no node uses the parameter', (b, { weight }) => b.add('Identity', [weight])],
  ])('keeps a table dense for %s', (_, reason, score) => {
    const cut = cutAll(graphOf(score));
    expect(cut.dense.get('table')).toBe(reason);
    expect(tablesOf(cut)).not.toContain('table');
    expect(cut.compactGraph.values.get('table')!.shape).toEqual([4, 2]);
  });
});

describe('trainableParameters', () => {
  it('are those on which the output depends through ops with a gradient', () => {
    const graph = graphOf((b, { table, weight, ids }) => {
      b.initializer('unused', tensor('float32', [1], [0]));
      const offset = b.initializer('offset', tensor('int64', [1], [0]));
      const threshold = b.initializer('threshold', tensor('float32', [], [0]));
      const rows = b.add('Gather', [table, b.add('Add', [ids, offset])], { axis: 0 });
      const isHigh = b.add('Cast', [b.add('Less', [threshold, rows])], { to: 'float32' });
      return b.add('Mul', [b.add('Mul', [rows, weight]), isHigh]);
    });
    expect(trainableParameters(graph)).toEqual(['table', 'weight']);
  });
});
