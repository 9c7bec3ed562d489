/**
 * Compact tables of real exports: which tables are cut, why others stay whole, which rows are used, and that whole
 * tables give the same result.
 */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { LabelledBatch } from '../../packages/onnx-grad/src/adam/adam-program.ts';
import { compact, indexReader } from '../../packages/onnx-grad/src/adam/compaction.ts';
import type { Graph } from '../../packages/onnx-grad/src/graph/ir.ts';
import { readModel } from '../../packages/onnx-grad/src/onnx/read.ts';
import { cutTables, type TableCut } from '../../packages/onnx-grad/src/rewrite/cut-tables.ts';
import { openSession } from '../../packages/onnx-grad/src/session/session.ts';
import { type ExportGolden, exportedBatch, parametersOf, readExportGolden } from '../parity/export-golden.ts';

const GOLDEN = join(dirname(dirname(fileURLToPath(import.meta.url))), 'golden');

interface Export {
  readonly graph: Graph;
  readonly golden: ExportGolden;
  readonly cut: TableCut;
  readonly batches: readonly LabelledBatch[];
}

function readExport(folder: string): Export {
  const golden = readExportGolden(join(GOLDEN, folder, 'expected.json'));
  const graph = readModel(readFileSync(join(GOLDEN, folder, 'model.onnx')));
  const { batches, labels } = golden.adaptation;
  return {
    graph,
    golden,
    cut: cutTables(graph, parametersOf(graph, golden)),
    batches: batches.map((columns, i) => exportedBatch(graph, columns, labels[i]!)),
  };
}

/** Parameter -> number of look-ups. */
const lookupsOf = ({ cut }: Export) => Object.fromEntries(cut.tables.map((t) => [t.parameter, t.lookups.length]));
/** Parameters of two axes that stay whole -> why. */
const denseTables = ({ cut, graph }: Export) =>
  Object.fromEntries([...cut.dense].filter(([name]) => graph.values.get(name)!.shape.length === 2));

/** For each table, the rows that the batches of an export use. */
async function rowsOf({ graph, cut, batches }: Export): Promise<ReadonlyMap<string, number[]>> {
  const session = await openSession(cut.indexGraph);
  const reader = indexReader(cut.indexGraph, session);
  const compaction = await compact(
    cut,
    graph.initializers,
    reader,
    batches.map(({ feeds }) => feeds),
  );
  await session.close();
  return new Map([...compaction.rows].map(([name, rows]) => [name, [...rows]]));
}

const union = (...lists: readonly number[][]): number[] => [...new Set(lists.flat())].sort((a, b) => a - b);
/** All ids of an input, over the batches of the adaptation. */
const idsOf = ({ golden }: Export, input: string): number[] =>
  golden.adaptation.batches.flatMap((columns) => columns[input]!.flat());

describe('compact tables of exports', () => {
  it('cuts a table that two features share, one stacked from three and reached by offsets, and one of hashed ids', async () => {
    const stacked = readExport('stacked-tables-opset18');
    expect(lookupsOf(stacked)).toEqual({ 'places.weight': 2, 'stacked.weight': 3, 'hashed.weight': 2 });
    expect(denseTables(stacked)).toEqual({
      'layers.0.0.weight': 'Gemm node "/layers/layers.0/layers.0.0/Gemm" uses the whole parameter',
      'layers.1.weight': 'Gemm node "/layers/layers.1/Gemm" uses the whole parameter',
    });

    const rows = await rowsOf(stacked);
    expect(rows.get('places.weight')).toEqual(union(idsOf(stacked, 'user.home'), idsOf(stacked, 'user.work')));
    // age has 17 rows and phone 10, stacked in one table
    expect(rows.get('stacked.weight')).toEqual(
      union(
        idsOf(stacked, 'user.age'),
        idsOf(stacked, 'user.phone').map((id) => id + 17),
        idsOf(stacked, 'campaign.category').map((id) => id + 17 + 10),
      ),
    );
    const advertisers = idsOf(stacked, 'campaign.advertiser');
    expect(rows.get('hashed.weight')).toEqual(
      union(
        idsOf(stacked, 'user.device').map((id, i) => (id * 31 + advertisers[i]!) % 13),
        idsOf(stacked, 'user.kw').map((id) => (id * 7 + 3) % 13),
      ),
    );
  });

  it('cuts the tables of bags, by the ids that remain after masking', async () => {
    const bags = readExport('embedding-bag-opset18');
    expect(lookupsOf(bags)).toEqual({
      'age.weight': 1,
      'bags.interest.bag.weight': 1,
      'bags.kw.bag.weight': 1,
      'bags.topic.bag.weight': 1,
      'brand.bag.weight': 1,
    });
    const lengths = idsOf(bags, 'user.kw.length');
    const masked = idsOf(bags, 'user.kw').map((id, i) => (i % 4 < lengths[Math.floor(i / 4)]! ? id : 0));
    expect((await rowsOf(bags)).get('bags.kw.bag.weight')).toEqual(union(masked));
  });

  it('cuts at look-ups inside functions of the model', async () => {
    const functions = readExport('functions-opset18');
    expect(new Set(Object.values(lookupsOf(functions)))).toEqual(new Set([1]));
    // 4 features of the user and 2 of the campaign, each with a table of vectors and one of weights
    expect(functions.cut.tables).toHaveLength(12);
  });

  it('keeps a table that is tied to the output layer whole, and reports it', async () => {
    const tied = readExport('tied-items-opset17');
    expect(lookupsOf(tied)).toEqual({ 'gender.weight': 1 });
    expect(denseTables(tied)).toMatchObject({ 'items.weight': 'Gemm node "/output/Gemm" uses the whole parameter' });
  });
});
