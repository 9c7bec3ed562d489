/** Values that are the same for all rows are computed separately: equal outputs, and less work per row. */
import { describe, expect, it } from 'vitest';
import { Builder } from '../../packages/onnx-grad/src/graph/builder.ts';
import type { Graph, Value } from '../../packages/onnx-grad/src/graph/ir.ts';
import { printGraph } from '../../packages/onnx-grad/src/graph/print.ts';
import { elementCount, numbersOf, type Tensor, tensor } from '../../packages/onnx-grad/src/graph/tensor.ts';
import { writeModel } from '../../packages/onnx-grad/src/onnx/write.ts';
import { foldShared } from '../../packages/onnx-grad/src/rewrite/fold-shared.ts';
import { splitFrozen } from '../../packages/onnx-grad/src/rewrite/split-frozen.ts';
import { createRng } from '../../src/lib/rng.ts';
import { runModel } from './onnx-file.ts';

const BATCH = 5;
const ROW_INPUTS = ['x', 'ids', 'present'];
const TOKENS = 6;
const rng = createRng('fold shared');
const random = (...shape: number[]) =>
  tensor(
    'float32',
    shape,
    Array.from({ length: elementCount(shape) }, () => rng.normal()),
  );
const FEEDS: Record<string, Tensor> = {
  x: random(BATCH, 3),
  c: random(1, 2),
  ids: tensor(
    'int32',
    [BATCH, 4],
    Array.from({ length: BATCH * 4 }, () => rng.integer(TOKENS)),
  ),
  present: tensor(
    'float32',
    [BATCH, 4],
    Array.from({ length: BATCH * 4 }, () => rng.integer(2)),
  ),
};

interface Inputs {
  readonly b: Builder;
  readonly x: Value;
  readonly c: Value;
  readonly ids: Value;
  readonly present: Value;
}

function graphOf(build: (inputs: Inputs) => Value): Graph {
  const b = new Builder();
  const x = b.input('x', 'float32', ['batch', 3]);
  const c = b.input('c', 'float32', [1, 2]);
  const ids = b.input('ids', 'int32', ['batch', 4]);
  const present = b.input('present', 'float32', ['batch', 4]);
  return b.build('test', [build({ b, x, c, ids, present })]);
}

async function outputOf(graph: Graph): Promise<readonly number[]> {
  const feeds = Object.fromEntries(graph.inputs.map((name) => [name, FEEDS[name]!]));
  return numbersOf((await runModel(writeModel(graph), feeds))[graph.outputs[0]!]!).map(Number);
}

async function expectEqual(graph: Graph, folded: Graph): Promise<void> {
  const [before, after] = [await outputOf(graph), await outputOf(folded)];
  expect(after.length).toBe(before.length);
  for (const [i, value] of after.entries()) expect(value).toBeCloseTo(before[i]!, 5);
}

/** The ops that remain per row. */
const opsOfRows = (graph: Graph) =>
  splitFrozen(foldShared(graph, ROW_INPUTS), ROW_INPUTS).head.nodes.map(({ op }) => op);

function repeated({ b, x, c }: Inputs): Value {
  const rows = b.add('Shape', [x], { start: 0, end: 1 });
  return b.add('Expand', [c, b.add('Concat', [rows, b.ints([2])], { axis: 0 })]);
}

/** phi = sum of the present tokens' vectors, `[batch, 2]`. */
function phi({ b, ids, present }: Inputs, table = b.initializer('table', random(TOKENS, 2))): Value {
  const row = b.add('Unsqueeze', [present, b.ints([1])]);
  return b.add('Squeeze', [b.add('MatMul', [row, b.add('Gather', [table, ids], { axis: 0 })]), b.ints([1])]);
}

function numberSum({ b, ids, present }: Inputs, name: string): Value {
  const numbers = b.add('Gather', [b.initializer(name, random(TOKENS)), ids], { axis: 0 });
  return b.add('ReduceSum', [b.add('Mul', [numbers, present]), b.ints([1])], { keepdims: 1 });
}

describe('foldShared', () => {
  it.each([
    ['[out, in] and a bias', 1, true, false],
    ['[in, out] and a bias', 0, true, false],
    ['[out, in] without a bias', 1, false, false],
    ['[out, in], with what is repeated in front', 1, true, true],
  ])('multiplies values that are equal in all rows only once, with weights %s', async (_, transB, hasBias, first) => {
    const graph = graphOf((inputs) => {
      const { b, x } = inputs;
      const columns = first ? [repeated(inputs), x] : [x, repeated(inputs)];
      const weight = b.initializer('weight', random(...(transB === 1 ? [4, 5] : [5, 4])));
      const bias = hasBias ? b.initializer('bias', random(4)) : null;
      return b.add('Gemm', [b.add('Concat', columns, { axis: 1 }), weight, bias], { transB });
    });
    await expectEqual(graph, foldShared(graph, ROW_INPUTS));
    // an Identity keeps the name of the output
    expect(opsOfRows(graph)).toEqual(['Gemm', 'Identity']);
  });

  it('multiplies a table by a shared vector, and looks up numbers', async () => {
    const graph = graphOf((inputs) =>
      inputs.b.add('ReduceSum', [inputs.b.add('Mul', [phi(inputs), inputs.c]), inputs.b.ints([1])], { keepdims: 1 }),
    );
    const folded = foldShared(graph, ROW_INPUTS);
    await expectEqual(graph, folded);
    expect(printGraph(folded).split('nodes\n')[1]).toMatchInlineSnapshot(`
      "  ReduceSum/Gemm: float32[1, 6] = Gemm(c, table, transB=1)
        ReduceSum/Reshape: float32[6] = Reshape(ReduceSum/Gemm, shape=[-1])
        ReduceSum/Gather: float32[batch, 4] = Gather(ReduceSum/Reshape, ids, axis=0)
        ReduceSum/Mul: float32[batch, 4] = Mul(ReduceSum/Gather, present)
        ReduceSum/ReduceSum: float32[batch, 1] = ReduceSum(ReduceSum/Mul, axes=[1], keepdims=1)
        ReduceSum: float32[batch, 1] = Identity(ReduceSum/ReduceSum)
      outputs
        ReduceSum: float32[batch, 1]"
    `);
  });

  it('adds tables that are looked up at the same places', async () => {
    const graph = graphOf((inputs) => {
      const { b, c } = inputs;
      const product = b.add('ReduceSum', [b.add('Mul', [c, phi(inputs)]), b.ints([-1])], { keepdims: 1 });
      return b.add('Add', [b.add('Add', [numberSum(inputs, 'wide'), product]), numberSum(inputs, 'more')]);
    });
    await expectEqual(graph, foldShared(graph, ROW_INPUTS));
    expect(opsOfRows(graph).filter((op) => op === 'Gather')).toHaveLength(2);
    expect(opsOfRows(graph)).not.toContain('MatMul');
  });

  it.each<[string, (inputs: Inputs) => Value]>([
    [
      'a Gemm whose factor is not 1',
      (inputs) => {
        const { b, x } = inputs;
        const joined = b.add('Concat', [x, repeated(inputs)], { axis: 1 });
        return b.add('Gemm', [joined, b.initializer('weight', random(5, 4)), null], { alpha: 2 });
      },
    ],
    [
      'a Gemm of rows alone',
      ({ b, x }) => b.add('Gemm', [b.add('Concat', [x, x], { axis: 1 }), b.initializer('weight', random(6, 4)), null]),
    ],
    [
      'a product with a vector of each row',
      (inputs) => {
        const own = inputs.b.add('Slice', [inputs.x, inputs.b.ints([0]), inputs.b.ints([2]), inputs.b.ints([1])]);
        return inputs.b.add('ReduceSum', [inputs.b.add('Mul', [phi(inputs), own]), inputs.b.ints([1])], {
          keepdims: 1,
        });
      },
    ],
    [
      'a product that is summed over the rows',
      (inputs) =>
        inputs.b.add('ReduceSum', [inputs.b.add('Mul', [phi(inputs), inputs.c]), inputs.b.ints([0])], { keepdims: 1 }),
    ],
    [
      'sums with other weights',
      (inputs) => {
        const { b, present } = inputs;
        const other = { ...inputs, present: b.add('Neg', [present]) };
        return b.add('Add', [numberSum(inputs, 'wide'), numberSum(other, 'more')]);
      },
    ],
  ])('leaves %s as it is', (_, build) => {
    const graph = graphOf(build);
    expect(printGraph(foldShared(graph, ROW_INPUTS))).toBe(printGraph(graph));
  });
});
