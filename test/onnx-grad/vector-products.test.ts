/** Products that ONNX Runtime's optimiser gets wrong: a session's results compared with the unchanged graph. */
import { describe, expect, it } from 'vitest';
import { Builder } from '../../packages/onnx-grad/src/graph/builder.ts';
import type { Value } from '../../packages/onnx-grad/src/graph/ir.ts';
import {
  type DataType,
  elementCount,
  numbersOf,
  type Tensor,
  tensor,
} from '../../packages/onnx-grad/src/graph/tensor.ts';
import { writeModel } from '../../packages/onnx-grad/src/onnx/write.ts';
import { spellVectorProducts } from '../../packages/onnx-grad/src/rewrite/vector-products.ts';
import { openSession } from '../../packages/onnx-grad/src/session/session.ts';
import { runModel } from './onnx-file.ts';

const FEEDS = (dtype: DataType): Record<string, Tensor> => {
  const filled = (shape: readonly number[]) =>
    tensor(
      dtype,
      shape,
      Array.from({ length: elementCount(shape) }, (_, i) => ((i * 7) % 11) - 4),
    );
  return { x: filled([3, 3]), y: filled([2, 3, 3]), v: filled([3]) };
};

type Product = (b: Builder, x: Value, y: Value, v: Value) => Value;

const turned = (b: Builder, x: Value) => b.add('Transpose', [x], { perm: x.shape.length === 2 ? [1, 0] : [0, 2, 1] });

const PRODUCTS: readonly (readonly [name: string, product: Product])[] = [
  ['a matrix', (b, x, _, v) => b.add('MatMul', [turned(b, x), v])],
  ['a batch of matrices', (b, _, y, v) => b.add('MatMul', [turned(b, y), v])],
  [
    'what a Where makes of it, which is turned back elsewhere',
    (b, x, _, v) => {
      const t = turned(b, x);
      const half = b.add('Mul', [t, b.scalar(0.5, x)]);
      const where = b.add('Where', [b.add('Greater', [t, v]), v, half]);
      const back = b.add('ReduceSum', [turned(b, where), b.ints([1])], { keepdims: 0 });
      return b.add('Add', [b.add('MatMul', [where, v]), back]);
    },
  ],
  ['an Identity of it', (b, x, _, v) => b.add('MatMul', [b.add('Identity', [turned(b, x)]), v])],
  [
    'a Cast of it',
    (b, x, _, v) =>
      b.add('MatMul', [b.add('Cast', [turned(b, b.add('Cast', [x], { to: 'int32' }))], { to: x.dtype }), v]),
  ],
];

describe.each(['float32', 'float64'] as const)('a %s vector times the transpose', (dtype) => {
  it.each(PRODUCTS)('of %s equals that of the unchanged graph', async (_, product) => {
    const feeds = FEEDS(dtype);
    const b = new Builder();
    const [x, y, v] = ['x', 'y', 'v'].map((name) => b.input(name, dtype, feeds[name]!.shape)) as [Value, Value, Value];
    const graph = b.build('product', [product(b, x, y, v)]);
    const [name] = graph.outputs as [string];
    const wanted = (await runModel(writeModel(graph), feeds, { asItIs: true }))[name]!;
    const session = await openSession(graph);
    const got = (await session.run(feeds).finally(() => session.close()))[name]!;
    expect(got.shape).toEqual(wanted.shape);
    expect(numbersOf(got)).toEqual(numbersOf(wanted));
  });
});

describe('spellVectorProducts', () => {
  it('does not change a graph without such a product', () => {
    const b = new Builder();
    const [x, v] = [b.input('x', 'float32', [3, 3]), b.input('v', 'float32', [3])];
    const graph = b.build('plain', [b.add('MatMul', [x, v]), b.add('MatMul', [v, turned(b, x)])]);
    expect(spellVectorProducts(graph)).toBe(graph);
  });
});
