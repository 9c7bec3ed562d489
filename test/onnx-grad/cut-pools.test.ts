/** Look-ups outside the graph: the rest, the index graph and plain sums together equal the original graph. */
import { describe, expect, it } from 'vitest';
import { Builder } from '../../packages/onnx-grad/src/graph/builder.ts';
import type { Graph, Value } from '../../packages/onnx-grad/src/graph/ir.ts';
import { printGraph } from '../../packages/onnx-grad/src/graph/print.ts';
import { numbersOf, type Tensor, tensor } from '../../packages/onnx-grad/src/graph/tensor.ts';
import { writeModel } from '../../packages/onnx-grad/src/onnx/write.ts';
import { cutPools, type PoolCut } from '../../packages/onnx-grad/src/rewrite/cut-pools.ts';
import { createRng } from '../../src/lib/rng.ts';
import { runModel } from './onnx-file.ts';

const [BATCH, LENGTH, TOKENS] = [5, 4, 6];
const rng = createRng('cut pools');
const numbers = (shape: number[], draw: () => number, dtype: 'float32' | 'int32' | 'int64' = 'float32') =>
  tensor(dtype, shape, Array.from({ length: shape.reduce((a, b) => a * b, 1) }, draw));
const FEEDS: Record<string, Tensor> = {
  one: numbers([BATCH], () => rng.integer(TOKENS), 'int32'),
  wide: numbers([BATCH], () => rng.integer(TOKENS), 'int64'),
  ids: numbers([BATCH, LENGTH], () => rng.integer(TOKENS), 'int32'),
  weights: numbers([BATCH, LENGTH], () => rng.integer(3)),
  size: numbers([BATCH], () => 1 + rng.integer(3)),
  vectors: numbers([TOKENS, 3], () => rng.normal()),
  others: numbers([TOKENS, 2], () => rng.normal()),
  scalars: numbers([TOKENS], () => rng.normal()),
};
const ROW_INPUTS = ['one', 'wide', 'ids', 'weights', 'size'];

type Inputs = Readonly<Record<keyof typeof FEEDS, Value>>;

function graphOf(build: (b: Builder, inputs: Inputs) => Value[]): Graph {
  const b = new Builder();
  const inputs = Object.fromEntries(
    Object.entries(FEEDS).map(([name, { dtype, shape }]) => {
      const own = ROW_INPUTS.includes(name) ? ['batch', ...shape.slice(1)] : shape;
      return [name, b.input(name, dtype, own)];
    }),
  );
  return b.build('test', build(b, inputs));
}

const gather = (b: Builder, table: Value, index: Value) => b.add('Gather', [table, index], { axis: 0 });
function pooled(b: Builder, table: Value, { ids, weights }: Inputs): Value {
  const product = b.add('MatMul', [b.add('Unsqueeze', [weights!, b.ints([1])]), gather(b, table, ids!)]);
  return b.add('Squeeze', [product, b.ints([1])]);
}

/** The outputs of the cut graph, with the sums computed by loops. */
async function runCut({ pools, columns, indices, rest }: PoolCut): Promise<number[][]> {
  const feeds = { ...FEEDS, ...(indices ? await runModel(writeModel(indices), pick(indices)) : {}) };
  for (const [name, width] of columns) {
    const data = new Float32Array(BATCH * width);
    for (const pool of pools.filter(({ input }) => input === name)) {
      const table = numbersOf(feeds[pool.table]!);
      const index = numbersOf(feeds[pool.index]!);
      expect(feeds[pool.index]!.dtype).toBe('int32');
      const weights = pool.weights === null ? null : numbersOf(feeds[pool.weights]!);
      for (let row = 0; row < BATCH; row++)
        for (let j = row * pool.length; j < (row + 1) * pool.length; j++)
          for (let c = 0; c < pool.width; c++)
            data[row * width + pool.column + c]! +=
              Number(weights?.[j] ?? 1) * Number(table[Number(index[j]) * pool.width + c]);
    }
    feeds[name] = { dtype: 'float32', shape: [BATCH, width], data };
  }
  const out = await runModel(writeModel(rest), Object.fromEntries(rest.inputs.map((name) => [name, feeds[name]!])));
  return rest.outputs.map((name) => numbersOf(out[name]!).map(Number));
}

const pick = (graph: Graph) => Object.fromEntries(graph.inputs.map((name) => [name, FEEDS[name]!]));

async function expectEqual(graph: Graph, cut: PoolCut): Promise<void> {
  const before = await runModel(writeModel(graph), pick(graph));
  const after = await runCut(cut);
  for (const [i, name] of graph.outputs.entries())
    numbersOf(before[name]!).forEach((x, j) => {
      expect(Math.abs(Number(x) - after[i]![j]!), `${name}[${j}]`).toBeLessThan(1e-5);
    });
}

const cut = (graph: Graph, maximumBytes = 1e9) => cutPools(graph, ROW_INPUTS, maximumBytes);

describe('cutPools', () => {
  it('cuts look-ups of one row, of lists, of means of lists and of numbers, and puts neighbours side by side', async () => {
    const graph = graphOf((b, inputs) => {
      const mean = b.add('Div', [
        pooled(b, inputs['others']!, inputs),
        b.add('Unsqueeze', [inputs['size']!, b.ints([1])]),
      ]);
      const joined = b.add('Concat', [gather(b, inputs['vectors']!, inputs['wide']!), mean], { axis: 1 });
      const looked = gather(b, inputs['scalars']!, inputs['ids']!);
      const sum = b.add('ReduceSum', [b.add('Mul', [looked, inputs['weights']!]), b.ints([1])], { keepdims: 0 });
      return [
        b.add('Relu', [joined]),
        sum,
        pooled(b, inputs['vectors']!, inputs),
        gather(b, inputs['scalars']!, inputs['one']!),
      ];
    });
    const result = cut(graph);
    expect(result.pools.map(({ table, input, column, length }) => `${table} ${length} ${input} ${column}`)).toEqual([
      'vectors 1 sums/Concat 0',
      'others 4 sums/Concat 3',
      'scalars 4 sums/ReduceSum 0',
      'vectors 4 sums/Squeeze_1 0',
      'scalars 1 sums/Gather_4 0',
    ]);
    expect(result.rest.inputs).toEqual([...result.columns.keys()]);
    expect(result.rest.nodes.some(({ op }) => op === 'Gather')).toBe(false);
    expect(printGraph(result.indices!)).toMatchInlineSnapshot(`
      "graph test_indices
      inputs
        wide: int64[batch]
        weights: float32[batch, 4]
        size: float32[batch]
      nodes
        Unsqueeze_1: float32[batch, 1] = Unsqueeze(size, axes=[1])
        Div/Div: float32[batch, 4] = Div(weights, Unsqueeze_1)
        Cast: int32[batch] = Cast(wide, to=int32)
      outputs
        Cast: int32[batch]
        Div/Div: float32[batch, 4]"
    `);
    await expectEqual(graph, result);
  });

  it('needs no index graph for look-ups by inputs', async () => {
    const graph = graphOf((b, inputs) => [pooled(b, inputs['vectors']!, inputs)]);
    const result = cut(graph);
    expect(result.indices).toBeNull();
    expect(result.pools[0]).toMatchObject({ index: 'ids', weights: 'weights' });
    await expectEqual(graph, result);
  });

  it('leaves tables that are too large together, computed tables, and other axes', async () => {
    const graph = graphOf((b, inputs) => {
      const computed = b.add('Mul', [inputs['vectors']!, inputs['vectors']!]);
      return [
        gather(b, inputs['vectors']!, inputs['one']!),
        gather(b, inputs['others']!, inputs['one']!),
        gather(b, computed, inputs['one']!),
        b.add('Gather', [inputs['others']!, b.ints([1, 0])], { axis: 1 }),
      ];
    });
    const result = cut(graph, 4 * TOKENS * 3);
    expect(result.pools.map(({ table }) => table)).toEqual(['vectors']);
    expect(result.rest.nodes.filter(({ op }) => op === 'Gather')).toHaveLength(3);
    await expectEqual(graph, result);
  });

  it('does not join sums that have another use', async () => {
    const graph = graphOf((b, inputs) => {
      const [one, other] = [gather(b, inputs['vectors']!, inputs['one']!), pooled(b, inputs['others']!, inputs)];
      return [b.add('Concat', [one, other], { axis: 1 }), b.add('Relu', [one])];
    });
    const result = cut(graph);
    expect([...result.columns.keys()]).toEqual(['sums/Gather', 'sums/Squeeze']);
    await expectEqual(graph, result);
  });
});
