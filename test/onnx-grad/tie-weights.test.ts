/** What an export loses: one weight under two names, and padding rows. */
import { describe, expect, it } from 'vitest';
import { Builder } from '../../packages/onnx-grad/src/graph/builder.ts';
import { differentiate } from '../../packages/onnx-grad/src/graph/differentiate.ts';
import type { Graph, Value } from '../../packages/onnx-grad/src/graph/ir.ts';
import { numbersOf, type Tensor, tensor } from '../../packages/onnx-grad/src/graph/tensor.ts';
import { writeModel } from '../../packages/onnx-grad/src/onnx/write.ts';
import {
  findPaddedTables,
  findTies,
  keepPaddingRows,
  tieWeights,
} from '../../packages/onnx-grad/src/rewrite/tie-weights.ts';
import { runModel } from './onnx-file.ts';

const WEIGHT = Array.from({ length: 24 }, (_, i) => Math.sin(i));
const transposedOf = ({ dtype, shape: [rows, columns], data }: Tensor): Tensor =>
  tensor(
    dtype,
    [columns!, rows!],
    Array.from({ length: data.length }, (_, i) => Number(data[(i % rows!) * columns! + Math.floor(i / rows!)])),
  );

/** sum((x w) v^T): `w` and `v` [4, 6], or `v` as a transpose. */
function twice(v: Tensor, use: (b: Builder, x: Value, v: Value) => Value): Graph {
  const b = new Builder();
  const x = b.input('x', 'float32', ['n', 4]);
  const first = b.add('MatMul', [x, b.initializer('onnx::MatMul_3', tensor('float32', [4, 6], WEIGHT))]);
  const second = use(b, first, b.initializer('layer.weight', v));
  return b.build('model', [b.add('ReduceSum', [second], { keepdims: 0 }, { name: 'loss' })]);
}

const X = { x: tensor('float32', [2, 4], [1, -2, 3, 0.5, 0.25, 1, -1, 2]) };
const gradientsOf = async (graph: Graph) => {
  const names = [...graph.initializers.keys()];
  const results = await runModel(writeModel(differentiate(graph, 'loss', names)), X);
  return { loss: numbersOf(results['loss']!), by: new Map(names.map((name) => [name, results[`grad/${name}`]!])) };
};

describe('findTies and tieWeights', () => {
  const same = tensor('float32', [4, 6], WEIGHT);
  it.each<[string, Tensor, (b: Builder, x: Value, v: Value) => Value, boolean]>([
    ['equal', same, (b, x, v) => b.add('Gemm', [x, v], { transB: 1 }), false],
    ['transposed', transposedOf(same), (b, x, v) => b.add('MatMul', [x, v]), true],
  ])('make one parameter of two that are %s, under the name that is not made up', async (_what, v, use, transposed) => {
    const graph = twice(v, use);
    const ties = findTies(graph);
    expect(ties).toEqual([{ parameter: 'onnx::MatMul_3', as: 'layer.weight', transposed }]);
    const tied = tieWeights(graph, ties);
    expect([...tied.initializers.keys()]).toEqual(['layer.weight']);
    const [apart, together] = [await gradientsOf(graph), await gradientsOf(tied)];
    expect(together.loss).toEqual(apart.loss);
    const other = apart.by.get('onnx::MatMul_3')!;
    const turned = numbersOf(transposed ? transposedOf(other) : other);
    const wanted = numbersOf(apart.by.get('layer.weight')!).map((each, i) => each + turned[i]!);
    numbersOf(together.by.get('layer.weight')!).forEach((each, i) => {
      expect(each).toBeCloseTo(wanted[i]!, 4);
    });
  });

  it('do not tie parameters that are equal by chance: ones, zeros, and small vectors', () => {
    const b = new Builder();
    const values = ['a', 'b'].flatMap((name) => [
      b.initializer(`${name}.ones`, tensor('float32', [64], new Array(64).fill(1))),
      b.initializer(`${name}.small`, tensor('float32', [4], [1, 2, 3, 4])),
    ]);
    expect(findTies(b.build('model', values))).toEqual([]);
  });
});

describe('findPaddedTables and keepPaddingRows', () => {
  function looked(rows: readonly number[]): Graph {
    const b = new Builder();
    const table = b.initializer('table', tensor('float32', [3, 2], rows));
    const ids = b.input('ids', 'int64', ['n', 2]);
    const found = b.add('Gather', [table, ids], { axis: 0 });
    return b.build('model', [b.add('ReduceSum', [found], { keepdims: 0 }, { name: 'loss' })]);
  }

  it('find a table in which only the first row is 0', () => {
    expect(findPaddedTables(looked([0, 0, 1, 2, 3, 4]))).toEqual(['table']);
    expect(findPaddedTables(looked([0, 1, 1, 2, 3, 4]))).toEqual([]);
    expect(findPaddedTables(looked([0, 0, 0, 0, 0, 0]))).toEqual([]);
  });

  it('pass no gradient to that row, but to all others', async () => {
    const graph = looked([0, 0, 1, 2, 3, 4]);
    const kept = keepPaddingRows(graph, ['table']);
    const feeds = { ids: tensor('int64', [2, 2], [0, 1, 2, 2]) };
    const run = (each: Graph) => runModel(writeModel(differentiate(each, 'loss', ['table'])), feeds);
    const [before, after] = [await run(graph), await run(kept)];
    expect(numbersOf(after['loss']!)).toEqual(numbersOf(before['loss']!));
    expect(numbersOf(before['grad/table']!)).toEqual([1, 1, 1, 1, 2, 2]);
    expect(numbersOf(after['grad/table']!)).toEqual([0, 0, 1, 1, 2, 2]);
  });
});
