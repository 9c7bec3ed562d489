/**
 * Features of parameters that are not tables, which are read in one run; a head that does not allow this has no term.
 */
import { describe, expect, it } from 'vitest';
import { findLinearTerm, type LinearTerm, splitHeads } from '../../packages/onnx-grad/index.ts';
import { openFeatureReader } from '../../packages/onnx-grad/src/descent/linear-features.ts';
import { Builder } from '../../packages/onnx-grad/src/graph/builder.ts';
import type { Value } from '../../packages/onnx-grad/src/graph/ir.ts';
import { tensor } from '../../packages/onnx-grad/src/graph/tensor.ts';
import { HEADS } from '../../src/model/architectures/heads.ts';
import { HEADS_GRAPH } from './descent/heads-by-hand.ts';

const PARAMETERS = ['table', 'query', 'bias'];
const ROWS = [
  [1, -2],
  [0.5, 3],
  [0, 7],
];

/** The linear term of a head: the sum of a look-up, the product of the inputs `x` and a query, and a bias. */
function termOf(product: (b: Builder, x: Value, query: Value) => Value) {
  const b = new Builder();
  const table = b.input('table', 'float32', [4]);
  const query = b.input('query', 'float32', [2]);
  const bias = b.input('bias', 'float32', [1]);
  const x = b.input('x', 'float32', ['batch', 2]);
  const ids = b.input('ids', 'int32', ['batch', 3]);
  const wide = b.add('ReduceSum', [b.add('Gather', [table, ids], { axis: 0 }), b.ints([1])], { keepdims: 1 });
  const sum = b.add('Add', [wide, product(b, x, query)]);
  const term = b.add('Sub', [sum, bias]);
  const score = b.add('Squeeze', [b.add('Sigmoid', [term]), b.ints([1])]);
  return findLinearTerm(b.build('head', [score]), PARAMETERS);
}

async function featuresOf(term: LinearTerm): Promise<number[]> {
  const reader = await openFeatureReader(term);
  const start = new Map([
    ['table', tensor('float32', [4], [9, 1, 9, -2])],
    ['query', tensor('float32', [2], [0.25, -1])],
    ['bias', tensor('float32', [1], [3])],
  ]);
  const perRow = {
    x: tensor('float32', [3, 2], ROWS.flat()),
    ids: tensor('int32', [3, 3], [0, 1, 2, 3, 3, 3, 0, 0, 1]),
  };
  const { dense } = await reader.read(start, perRow, { campaign: tensor('float32', [1, 2], [5, -0.5]) }, 3);
  await reader.close();
  return [...dense];
}

const sumOf = (b: Builder, x: Value) => b.add('ReduceSum', [x, b.ints([1])], { keepdims: 1 });
const expected = ROWS.flatMap((row) => [...row, -1]);

describe('rowFeatures', () => {
  it('reads the heads of MetaHeac in one run', () => {
    const parameters = [HEADS.wide, HEADS.query, HEADS.bias];
    const term = findLinearTerm(splitHeads(HEADS_GRAPH, parameters).head, parameters)!;
    expect(term.features).not.toBeNull();
  });

  it.each<[string, (b: Builder, x: Value, query: Value) => Value]>([
    ['a product', (b, x, query) => sumOf(b, b.add('Mul', [x, query]))],
    [
      'a product with the sum of a parameter and an input that all rows share',
      (b, x, query) => sumOf(b, b.add('Mul', [x, b.add('Add', [b.input('campaign', 'float32', [1, 2]), query])])),
    ],
    [
      'a product with such a sum, with a first axis of size 1',
      (b, x, query) => {
        const row = b.add('Unsqueeze', [query, b.ints([0])]);
        return sumOf(b, b.add('Mul', [x, b.add('Add', [row, b.input('campaign', 'float32', [1, 2])])]));
      },
    ],
    ['a negated parameter', (b, x, query) => b.add('Neg', [sumOf(b, b.add('Mul', [b.add('Neg', [query]), x]))])],
  ])('reads %s in one run', async (_, product) => {
    const term = termOf(product)!;
    const features = term.features!;
    expect([...features.outputs.keys()]).toEqual(['query', 'bias']);
    expect(features.graph.values.get('feature/query')!.shape).toEqual(['batch', 2]);
    expect(await featuresOf(term)).toEqual(expected);
  });

  it.each<[string, (b: Builder, x: Value, query: Value) => Value]>([
    ['a matrix product', (b, x, query) => b.add('MatMul', [x, b.add('Unsqueeze', [query, b.ints([1])])])],
    [
      'a parameter whose elements are added up',
      (b, x, query) => {
        const all = b.add('ReduceSum', [query, b.ints([0])], { keepdims: 1 });
        return b.add('Add', [sumOf(b, b.add('Mul', [x, query])), b.add('Mul', [all, sumOf(b, b.add('Sub', [x, x]))])]);
      },
    ],
  ])('is not possible for %s', (_, product) => {
    expect(termOf(product)).toBeNull();
  });
});
