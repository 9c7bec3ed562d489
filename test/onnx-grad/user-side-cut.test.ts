/** What rows alone determine: products move inside weighted sums, the cut is the narrowest, and both sides fit. */
import { describe, expect, it } from 'vitest';
import { Builder } from '../../packages/onnx-grad/src/graph/builder.ts';
import type { Graph } from '../../packages/onnx-grad/src/graph/ir.ts';
import { valuesReachedFrom } from '../../packages/onnx-grad/src/graph/reach.ts';
import { elementCount, numbersOf, type Tensor, tensor } from '../../packages/onnx-grad/src/graph/tensor.ts';
import { writeModel } from '../../packages/onnx-grad/src/onnx/write.ts';
import { leastCut } from '../../packages/onnx-grad/src/rewrite/least-cut.ts';
import { splitAt } from '../../packages/onnx-grad/src/rewrite/split-at.ts';
import { productsInsideSums, weightedSumsAsProducts } from '../../packages/onnx-grad/src/rewrite/weighted-sums.ts';
import { createRng } from '../../src/lib/rng.ts';
import { runModel } from './onnx-file.ts';

const ROWS = 5;
const rng = createRng('user side');
const random = (shape: readonly number[]): Tensor =>
  tensor(
    'float32',
    shape,
    Array.from({ length: elementCount(shape) }, () => rng.normal()),
  );

/**
 * Two experts of width 4 over `x`, mixed by gates that also read the campaign, then a product with a `[width, 4]`
 * matrix. A wide copy of a narrow value lies between the experts and the campaign.
 */
function experts(width: number): Graph {
  const b = new Builder();
  const x = b.input('x', 'float32', ['batch', 6]);
  const narrow = b.input('narrow', 'float32', ['batch', 1]);
  const campaign = b.input('campaign', 'float32', [1, 2]);
  const hidden = b.add('Relu', [b.add('Gemm', [x, b.initializer('first', random([8, 6]))], { transB: 1 })]);
  const vectors = b.add('Reshape', [hidden, b.ints([0, 2, 4])]);
  const mean = b.add('ReduceMean', [x, b.ints([1])], { keepdims: 1 });
  const wide = b.add('Expand', [narrow, b.ints([1, 9])]);
  const given = b.add('Mul', [b.add('ReduceSum', [wide, b.ints([1])], { keepdims: 1 }), campaign]);
  const gates = b.add('Softmax', [b.add('Add', [given, b.add('Add', [mean, campaign])])], { axis: 1 });
  const mixed = b.add('ReduceSum', [b.add('Mul', [vectors, b.add('Unsqueeze', [gates, b.ints([2])])]), b.ints([1])], {
    keepdims: 0,
  });
  const [matrix, bias] = [b.initializer('matrix', random([width, 4])), b.initializer('bias', random([width]))];
  return weightedSumsAsProducts(b.build('experts', [b.add('Gemm', [mixed, matrix, bias], { transB: 1 })]));
}

const FEEDS = { x: random([ROWS, 6]), narrow: random([ROWS, 1]), campaign: random([1, 2]) };
const run = async (graph: Graph, feeds: Record<string, Tensor>) => {
  const given = Object.fromEntries(graph.inputs.map((name) => [name, feeds[name]!]));
  return runModel(writeModel(graph), given);
};
const changedIn = (graph: Graph) => valuesReachedFrom(graph, ['campaign']);

function expectClose(one: Tensor, other: Tensor): void {
  expect(one.shape).toEqual(other.shape);
  const expected = numbersOf(other).map(Number);
  for (const [i, value] of numbersOf(one).entries()) expect(Number(value)).toBeCloseTo(expected[i]!, 5);
}

describe('productsInsideSums', () => {
  it('moves a product that makes the vectors narrower, and changes no output', async () => {
    const graph = experts(3);
    const moved = productsInsideSums(graph, changedIn(graph));
    expect(moved.nodes.map(({ op }) => op)).not.toEqual(graph.nodes.map(({ op }) => op));
    const [before] = Object.values(await run(graph, FEEDS));
    const [after] = Object.values(await run(moved, FEEDS));
    expectClose(after!, before!);
  });

  it.each([
    ['would make them wider', experts(5), ['campaign']],
    ['changes with the campaign', experts(3), ['campaign', 'matrix']],
    ['has vectors that change', experts(3), ['campaign', 'x']],
    ['has weights that do not change', experts(3), []],
  ])('keeps a product that %s', (_why, graph, starts) => {
    expect(productsInsideSums(graph, valuesReachedFrom(graph, starts)).nodes).toEqual(graph.nodes);
  });
});

describe('leastCut', () => {
  const graph = productsInsideSums(experts(3), changedIn(experts(3)));
  const cut = leastCut(graph, ['x', 'narrow'], changedIn(graph));

  it('takes the products of the experts, the mean and the narrow value, not its wide copy', () => {
    const widths = cut.values.map((name) => graph.values.get(name)!.shape.slice(1).join('x'));
    expect(widths.toSorted()).toEqual(['1', '1', '2x3']);
    expect(cut.width).toBe(8);
  });

  it('splits into a part that reads no campaign, and one that reads no row input', async () => {
    const { below, above } = splitAt(graph, cut.values);
    expect(below!.inputs).not.toContain('campaign');
    expect(above.inputs).not.toContain('x');
    const [whole] = Object.values(await run(graph, FEEDS));
    const kept = await run(below!, FEEDS);
    const [score] = Object.values(await run(above, { ...FEEDS, ...kept }));
    expectClose(score!, whole!);
  });

  it('is infinitely wide if rows are not the first dimension', () => {
    const b = new Builder();
    const x = b.input('x', 'float32', ['batch', 2]);
    const turned = b.add('Transpose', [b.add('MatMul', [x, b.initializer('w', random([2, 2]))])], { perm: [1, 0] });
    const changed = b.add('MatMul', [b.input('campaign', 'float32', [1, 2]), turned]);
    const one = b.build('turned', [b.add('Transpose', [changed], { perm: [1, 0] })]);
    expect(leastCut(one, ['x'], valuesReachedFrom(one, ['campaign']))).toMatchObject({ width: 2 });
    const only = new Builder();
    const rows = only.input('x', 'float32', [2, 'batch']);
    const product = only.add('MatMul', [only.input('campaign', 'float32', [1, 2]), rows]);
    const none = only.build('none', [product]);
    expect(leastCut(none, ['x'], valuesReachedFrom(none, ['campaign'])).width).toBe(Number.POSITIVE_INFINITY);
  });
});
