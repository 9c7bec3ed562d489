/** Weighted sums of vectors as matrix products: equal outputs, and no weighted vectors in memory. */
import { describe, expect, it } from 'vitest';
import { Builder } from '../../packages/onnx-grad/src/graph/builder.ts';
import type { Graph, Value } from '../../packages/onnx-grad/src/graph/ir.ts';
import { printGraph } from '../../packages/onnx-grad/src/graph/print.ts';
import { elementCount, numbersOf, tensor } from '../../packages/onnx-grad/src/graph/tensor.ts';
import { writeModel } from '../../packages/onnx-grad/src/onnx/write.ts';
import { weightedSumsAsProducts } from '../../packages/onnx-grad/src/rewrite/weighted-sums.ts';
import { createRng } from '../../src/lib/rng.ts';
import { runModel } from './onnx-file.ts';

const rng = createRng('weighted sums');
const random = (shape: readonly number[]) =>
  tensor(
    'float32',
    shape,
    Array.from({ length: elementCount(shape) }, () => rng.normal()),
  );

/** Vectors `[3, batch, 4]` and weights `[batch, 3]`: a mixture, as of experts. */
function mixture(axis: number, keepdims: 0 | 1 = 0): Graph {
  const b = new Builder();
  const vectors = b.input('vectors', 'float32', [3, 'batch', 4]);
  const weights = b.add('Transpose', [b.input('weights', 'float32', ['batch', 3])], { perm: [1, 0] });
  const each = b.add('Mul', [vectors, b.add('Unsqueeze', [weights, b.ints([2])])]);
  return b.build('mixture', [b.add('ReduceSum', [each, b.ints([axis])], { keepdims })]);
}

/** Vectors `[batch, 3, 4]` and weights `[batch, 3]`: a list that is pooled. */
function pooled(axis: number, weigh: (b: Builder, weights: Value) => Value): Graph {
  const b = new Builder();
  const vectors = b.input('vectors', 'float32', ['batch', 3, 4]);
  const each = b.add('Mul', [weigh(b, b.input('weights', 'float32', ['batch', 3])), vectors]);
  return b.build('pooled', [b.add('ReduceSum', [each, b.ints([axis])], { keepdims: 0 })]);
}

const last = (b: Builder, weights: Value) => b.add('Unsqueeze', [weights, b.ints([-1])]);

async function expectEqual(graph: Graph, vectors: readonly number[]): Promise<void> {
  const feeds = { vectors: random(vectors), weights: random([5, 3]) };
  const run = async (one: Graph) => (await runModel(writeModel(one), feeds))[one.outputs[0]!]!;
  const products = weightedSumsAsProducts(graph);
  const [before, after] = [await run(graph), await run(products)];
  expect(after.shape).toEqual(before.shape);
  const expected = numbersOf(before).map(Number);
  for (const [i, value] of numbersOf(after).entries()) expect(Number(value)).toBeCloseTo(expected[i]!, 5);
  expect(products.nodes.map(({ op }) => op)).not.toContain('ReduceSum');
}

describe('weightedSumsAsProducts', () => {
  it('sums over the first axis', async () => {
    await expectEqual(mixture(0), [3, 5, 4]);
    expect(printGraph(weightedSumsAsProducts(mixture(0))).split('nodes\n')[1]).toMatchInlineSnapshot(`
      "  ReduceSum/Transpose: float32[batch, 3, 4] = Transpose(vectors, perm=[1, 0, 2])
        ReduceSum/Unsqueeze: float32[batch, 1, 3] = Unsqueeze(weights, axes=[1])
        ReduceSum/MatMul: float32[batch, 1, 4] = MatMul(ReduceSum/Unsqueeze, ReduceSum/Transpose)
        ReduceSum/Squeeze: float32[batch, 4] = Squeeze(ReduceSum/MatMul, axes=[1])
        ReduceSum: float32[batch, 4] = Identity(ReduceSum/Squeeze)
      outputs
        ReduceSum: float32[batch, 4]"
    `);
  });

  it('sums over the second axis, counted from either end', async () => {
    await expectEqual(pooled(1, last), [5, 3, 4]);
    await expectEqual(pooled(-2, last), [5, 3, 4]);
  });

  it.each<[string, Graph]>([
    ["a sum over the vectors' own axis", mixture(2)],
    ['a sum that keeps its axis', mixture(0, 1)],
    [
      'a sum with one weight a list',
      pooled(1, (b, weights) =>
        b.add('Unsqueeze', [b.add('ReduceSum', [weights, b.ints([1])], { keepdims: 1 }), b.ints([2])]),
      ),
    ],
  ])('leaves %s as it is', (_, graph) => {
    expect(printGraph(weightedSumsAsProducts(graph))).toBe(printGraph(graph));
  });
});
