/** What each pass does to a small graph, and what it leaves alone. */
import { describe, expect, test } from 'vitest';
import { Builder } from '../../../src/graph/builder.ts';
import { addGradients } from '../../../src/graph/differentiate.ts';
import { type DataType, type Graph, numbersOf, type Tensor, tensor, type Value } from '../../../src/graph/ir.ts';
import type { OpAttributes, OpType } from '../../../src/graph/ops/attributes.ts';
import { cancelMoves } from '../../../src/graph/optimise/cancel-moves.ts';
import { mergeCommonSubexpressions } from '../../../src/graph/optimise/common-subexpressions.ts';
import { evaluate } from '../../../src/graph/optimise/evaluate.ts';
import { foldConstants } from '../../../src/graph/optimise/fold-constants.ts';
import { fuseGemm } from '../../../src/graph/optimise/fuse-gemm.ts';
import { fuseSums } from '../../../src/graph/optimise/fuse-sums.ts';
import { takeOutIdentities } from '../../../src/graph/optimise/identities.ts';
import { optimise } from '../../../src/graph/optimise/optimise.ts';
import { printGraph } from '../../../src/graph/print.ts';
import { prune } from '../../../src/graph/prune.ts';
import { writeModel } from '../../../src/graph/write.ts';
import { runModel } from '../onnx-file.ts';

/** The nodes of what `pass` makes of the graph of y, one line each. */
function nodesAfter(pass: (graph: Graph) => Graph, build: (b: Builder) => Value | readonly Value[]): string[] {
  const b = new Builder();
  const graph = b.build('g', [build(b)].flat());
  const lines = printGraph(prune(pass(graph))).split('\n');
  const start = lines.indexOf('nodes');
  const end = lines.indexOf('outputs');
  return start < 0 ? [] : lines.slice(start + 1, end).map((line) => line.trim());
}

const matrix = (b: Builder, name = 'x') => b.input(name, 'float32', ['n', 3]);

describe('foldConstants', () => {
  test('computes sizes, and arithmetic on constants, but not on parameters', () => {
    const nodes = nodesAfter(foldConstants, (b) => {
      const x = b.input('x', 'float32', ['n', 4]);
      const width = b.add('Gather', [b.add('Shape', [x]), b.ints([1])], { axis: 0 });
      const scale = b.add('Sqrt', [b.add('Squeeze', [b.add('Cast', [width], { to: 'float32' })])]);
      const w = b.initializer('w', tensor('float32', [], [4]));
      return b.add('Mul', [b.add('Div', [x, scale]), b.add('Sqrt', [w])], {}, { name: 'y' });
    });
    // what the first pass makes constant lets the second go on
    expect(nodes).toMatchInlineSnapshot(`
      [
        "Cast: float32[1] = Cast([4], to=float32)",
        "Squeeze: float32[] = Squeeze(Cast)",
        "Sqrt: float32[] = Sqrt(Squeeze)",
        "Div: float32[n, 4] = Div(x, Sqrt)",
        "Sqrt_1: float32[] = Sqrt(w)",
        "y: float32[n, 4] = Mul(Div, Sqrt_1)",
      ]
    `);
  });

  test('leaves a value that is large, or whose gradient is given by hand', () => {
    const nodes = nodesAfter(foldConstants, (b) => {
      const large = b.add('ConstantOfShape', [b.ints([65])], { value: 1, dtype: 'int64' });
      const one = b.scalar(1, 'float32');
      const by = b.add('Neg', [one], {}, { name: 'by hand' });
      b.override(by, [{ input: one, gradient: one }]);
      return [large, b.add('Add', [by, one], {}, { name: 'y' })];
    });
    expect(nodes).toMatchInlineSnapshot(`
      [
        "ConstantOfShape: int64[65] = ConstantOfShape([65], value=1, dtype=int64)",
        ""by hand": float32[] = Neg(1.0)",
        "y: float32[] = Add("by hand", 1.0)",
      ]
    `);
  });
});

const EXACT: readonly (readonly [op: OpType, inputs: readonly Tensor[], attributes?: object])[] = (
  ['float32', 'float64'] as const
).flatMap((dtype): (readonly [OpType, readonly Tensor[], object?])[] => {
  const x = tensor(dtype, [2, 3], [0.1, -2.5, 1e-40, 7, -0, Number.POSITIVE_INFINITY]);
  const y = tensor(dtype, [3], [0.3, -0.7, 3e38]);
  const ints = (...values: number[]) => tensor('int64', [values.length], values);
  return [
    ...(['Add', 'Sub', 'Mul', 'Div', 'Equal', 'Less', 'LessOrEqual', 'Greater', 'GreaterOrEqual'] as const).map(
      (op) => [op, [x, y]] as const,
    ),
    ...(['Neg', 'Abs', 'Sqrt', 'Identity'] as const).map((op) => [op, [x]] as const),
    ['Cast', [tensor(dtype, [4], [0.7, -1.9, 2e9, -0])], { to: 'int64' }],
    ['Cast', [x], { to: 'bool' }],
    ['Cast', [tensor('int64', [2], [16777217, -5])], { to: dtype }],
    ['Where', [tensor('bool', [2, 1], [1, 0]), x, y]],
    ['Concat', [x, x], { axis: 0 }],
    ['Concat', [y, y], { axis: 0 }],
    ['Expand', [y, ints(2, 3)]],
    ['Gather', [y, tensor('int64', [2], [-1, 0])], { axis: 0 }],
    ['Reshape', [x, ints(3, -1)]],
    ['Slice', [x, ints(-1), ints(-9), ints(1), ints(-2)]],
    ['Squeeze', [tensor(dtype, [1, 2], [1, 2]), ints(0)]],
    ['Tile', [x, ints(1, 2)]],
    ['Transpose', [x], { perm: [1, 0] }],
    ['Unsqueeze', [x, ints(1)]],
  ];
});

describe('evaluate', () => {
  test.each(EXACT.map(([op, data, attributes = {}]) => ({ op, data, attributes })))(
    'gives the bits that ONNX Runtime gives for $op',
    async ({ op, data, attributes }) => {
      const b = new Builder();
      const inputs = data.map((item, i) => b.input(`x${i}`, item.dtype, item.shape));
      const known = data.map((item) => (item.dtype === 'int64' ? b.constant(item) : null));
      const output = b.addAll(
        op,
        inputs.map((input, i) => known[i] ?? input),
        attributes as OpAttributes[OpType],
      )[0]!;
      const graph = b.build('one', [output]);
      const feeds = Object.fromEntries(data.map((item, i) => [`x${i}`, item]));
      const wanted = (await runModel(writeModel(graph), feeds))[output.name]!;
      const got = evaluate(graph.nodes[0]!, data)?.[0];
      if (op === 'Concat' && wanted.shape.length > 1) expect(got).toBeUndefined();
      else
        expect({ ...got, data: [...got!.data] }).toEqual({
          ...wanted,
          shape: [...wanted.shape],
          data: [...wanted.data],
        });
    },
  );

  test('leaves what is inexact, large or beyond a type', () => {
    const one = (op: OpType, data: Tensor, attributes = {}) =>
      evaluate({ op, name: op, inputs: ['x'], outputs: ['y'], attributes: attributes as OpAttributes[OpType] }, [data]);
    const x = tensor('float32', [1], [1]);
    expect(one('Sigmoid', x)).toBeNull();
    expect(one('Neg', tensor('float32', [65], new Array<number>(65).fill(1)))).toBeNull();
    expect(one('Cast', tensor('float32', [1], [1e10]), { to: 'int32' })).toBeNull();
    expect(one('Cast', tensor('float32', [1], [Number.NaN]), { to: 'int64' })).toBeNull();
    expect(
      one('Cast', { dtype: 'int64', shape: [1], data: BigInt64Array.of(2n ** 60n) }, { to: 'float32' }),
    ).toBeNull();
  });
});

describe('takeOutIdentities', () => {
  test('takes out every node that hands its input on, and keeps the names of outputs', () => {
    const nodes = nodesAfter(takeOutIdentities, (b) => {
      let x = matrix(b);
      x = b.add('Identity', [x]);
      x = b.add('Cast', [x], { to: 'float32' });
      x = b.add('Expand', [x, b.add('Shape', [x])]);
      x = b.add('Mul', [x, b.scalar(1, x)]);
      x = b.add('Div', [b.add('Mul', [b.scalar(1, x), x]), b.scalar(1, x)]);
      x = b.add('Concat', [x], { axis: 0 });
      x = b.add('Pad', [x, b.ints([0, 0, 0, 0])]);
      x = b.add('Tile', [x, b.ints([1, 1])]);
      x = b.add('Slice', [x, b.ints([0]), b.ints([2 ** 62]), b.ints([0])]);
      return b.add('Max', [x], {}, { name: 'y' });
    });
    expect(nodes).toEqual(['y: float32[n, 3] = Identity(x)']);
  });

  test('leaves what only looks like it', () => {
    const nodes = nodesAfter(takeOutIdentities, (b) => {
      const x = b.input('x', 'float32', [2]);
      const turned = b.add('Slice', [x, b.ints([-1]), b.ints([-9]), b.ints([0]), b.ints([-1])]);
      const shifted = b.add('Pad', [turned, b.ints([1, -1])]);
      const wide = b.add('Mul', [b.constant(tensor('float32', [1, 1], [1])), shifted]);
      return b.add('Mul', [wide, b.scalar(1.5, x)]);
    });
    expect(nodes.map((line) => /= (\w+)/.exec(line)![1])).toEqual(['Slice', 'Pad', 'Mul', 'Mul']);
  });
});

describe('cancelMoves', () => {
  test('makes one of two transposes, and none of two that undo each other', () => {
    const nodes = nodesAfter(cancelMoves, (b) => {
      const x = b.input('x', 'float32', [2, 3, 4]);
      const turned = b.add('Transpose', [x], { perm: [1, 2, 0] });
      const back = b.add('Transpose', [turned], { perm: [2, 0, 1] });
      const twice = b.add('Transpose', [turned], { perm: [1, 2, 0] }, { name: 'twice' });
      return [twice, b.add('Relu', [back], {}, { name: 'y' })];
    });
    expect(nodes).toMatchInlineSnapshot(`
      [
        "twice: float32[4, 2, 3] = Transpose(x, perm=[2, 0, 1])",
        "y: float32[2, 3, 4] = Relu(x)",
      ]
    `);
  });

  test('goes back to any value of the shape, and skips reshapes that another follows', () => {
    const nodes = nodesAfter(cancelMoves, (b) => {
      const x = b.input('x', 'float32', ['n', 2, 3]);
      const flat = b.add('Flatten', [x]);
      const lifted = b.add('Unsqueeze', [flat, b.ints([0])]);
      const back = b.add('Reshape', [lifted, b.add('Shape', [x])], { allowzero: 1 });
      const other = b.add('Reshape', [b.add('Squeeze', [lifted, b.ints([0])]), b.ints([-1, 3])], {}, { name: 'other' });
      return [other, b.add('Relu', [back], {}, { name: 'y' })];
    });
    expect(nodes).toMatchInlineSnapshot(`
      [
        "other: float32[d0, 3] = Reshape(x, shape=[-1, 3])",
        "y: float32[n, 2, 3] = Relu(x)",
      ]
    `);
  });

  test('leaves a reshape that copies sizes of what it is given, and does not look behind a gradient given by hand', () => {
    const nodes = nodesAfter(cancelMoves, (b) => {
      const x = b.input('x', 'float32', ['n', 6]);
      const copied = b.add(
        'Reshape',
        [b.add('Reshape', [x, b.ints([-1, 3])]), b.ints([0, 1, 3])],
        {},
        { name: 'copied' },
      );
      const turned = b.add('Transpose', [x], { perm: [1, 0] }, { name: 'by hand' });
      b.override(turned, [{ input: turned, gradient: turned }]);
      return [copied, b.add('Transpose', [turned], { perm: [1, 0] }, { name: 'y' })];
    });
    expect(nodes).toMatchInlineSnapshot(`
      [
        "Reshape: float32[d0, 3] = Reshape(x, shape=[-1, 3])",
        "copied: float32[d0, 1, 3] = Reshape(Reshape, shape=[0, 1, 3])",
        ""by hand": float32[6, n] = Transpose(x, perm=[1, 0])",
        "y: float32[n, 6] = Transpose("by hand", perm=[1, 0])",
      ]
    `);
  });
});

describe('mergeCommonSubexpressions', () => {
  test('merges equal nodes and constants, one after the other', () => {
    const nodes = nodesAfter(mergeCommonSubexpressions, (b) => {
      const x = matrix(b);
      const half = () => b.namedConstant(`half${b.has('half') ? '2' : ''}`, tensor('float32', [], [0.5]));
      const square = () => b.add('Sigmoid', [b.add('Mul', [b.add('Mul', [x, x]), half()])]);
      return b.add('Sub', [square(), square()], {}, { name: 'y' });
    });
    expect(nodes).toMatchInlineSnapshot(`
      [
        "Mul: float32[n, 3] = Mul(x, x)",
        "Mul_1: float32[n, 3] = Mul(Mul, 0.5)",
        "Sigmoid: float32[n, 3] = Sigmoid(Mul_1)",
        "y: float32[n, 3] = Sub(Sigmoid, Sigmoid)",
      ]
    `);
  });

  test('keeps apart what differs in an attribute, an output that is left out or a gradient given by hand', () => {
    const b = new Builder();
    const x = matrix(b);
    const [p, q] = [b.add('Softmax', [x], { axis: 0 }), b.add('Softmax', [x], { axis: 1 })];
    const [r, s] = [b.add('Neg', [x]), b.add('Neg', [x])];
    b.override(s, [{ input: x, gradient: x }]);
    const graph = b.build('g', [b.add('Sum', [p, q, r, s])]);
    expect(prune(mergeCommonSubexpressions(graph))).toStrictEqual(graph);
  });
});

describe('fuseGemm', () => {
  test('makes one Gemm of a product and a sum, and of the transposes before it', () => {
    const nodes = nodesAfter(optimise, (b) => {
      const w = b.initializer('w', tensor('float32', [4, 3], new Array<number>(12).fill(1)));
      const bias = b.initializer('b', tensor('float32', [4], [1, 2, 3, 4]));
      const product = b.add('MatMul', [matrix(b), b.add('Transpose', [w], { perm: [1, 0] })]);
      return b.add('Add', [bias, product], {}, { name: 'y' });
    });
    expect(nodes).toEqual(['y: float32[n, 4] = Gemm(x, w, b, transB=1)']);
  });

  test('leaves a product that others use, batches, and sums that broadcast it', () => {
    const nodes = nodesAfter(fuseGemm, (b) => {
      const x = matrix(b);
      const w = b.initializer('w', tensor('float32', [3, 1], [1, 2, 3]));
      const product = b.add('MatMul', [x, w]);
      const batch = b.add('MatMul', [b.add('Unsqueeze', [x, b.ints([0])]), w]);
      const wide = b.add('MatMul', [x, w]);
      return [
        b.add('Add', [product, b.scalar(1, x)]),
        b.add('Relu', [product]),
        b.add('Add', [batch, b.scalar(1, x)]),
        b.add('Add', [wide, x]),
      ];
    });
    expect(nodes.join()).not.toContain('Gemm');
  });
});

const AXES = [[0], [1], [0, 1], [-1], [0, 2], []];
const SUMS = AXES.flatMap((inner) =>
  AXES.flatMap((outer) => [0, 1].flatMap((k) => [0, 1].map((m) => [inner, k, outer, m] as const))),
);

describe('fuseSums', () => {
  test.each(SUMS)('sums over axes %j (keepdims %i) and %j (keepdims %i) at once', async (inner, k, outer, m) => {
    const b = new Builder();
    const x = b.input('x', 'float64', [2, 3, 4]);
    const first = b.add('ReduceSum', [x, b.ints(inner)], { keepdims: k });
    const rank = first.shape.length;
    const axes = outer.filter((axis) => axis < rank && axis >= -rank);
    const graph = b.build('g', [b.add('ReduceSum', [first, b.ints(axes)], { keepdims: m, noop_with_empty_axes: 1 })]);
    const fused = prune(fuseSums(graph));
    expect(fused.nodes.filter(({ op }) => op === 'ReduceSum').length).toBeLessThanOrEqual(1);
    const feeds = {
      x: tensor(
        'float64',
        [2, 3, 4],
        Array.from({ length: 24 }, (_, i) => i * i),
      ),
    };
    const [got, wanted] = [await runModel(writeModel(fused), feeds), await runModel(writeModel(graph), feeds)];
    expect(Object.values(got).map(({ shape, data }) => [[...shape], [...data]])).toEqual(
      Object.values(wanted).map(({ shape, data }) => [[...shape], [...data]]),
    );
  });

  test('makes one sum of what undoes a broadcast over new axes and over axes of size 1', () => {
    const b = new Builder();
    const [x, w] = [b.input('x', 'float32', ['n', 2, 3]), b.initializer('w', tensor('float32', [1, 3], [1, 2, 3]))];
    const loss = b.add('ReduceSum', [b.add('Mul', [b.add('Mul', [x, w]), x])], { keepdims: 0 });
    const gradient = addGradients(b, b.build('g', [loss]), loss, [w]).get('w')!;
    expect(printGraph(optimise(b.build('g', [gradient])))).toMatchInlineSnapshot(`
      "graph g
      inputs
        x: float32[n, 2, 3]
      parameters
        w: float32[1, 3]
      nodes
        Mul_grad/Mul: float32[n, 2, 3] = Mul(x, x)
        Mul_grad/ReduceSum_1/ReduceSum: float32[1, 1, 3] = ReduceSum(Mul_grad/Mul, axes=[0, 1], keepdims=1)
        Mul_grad/ReduceSum_1: float32[1, 3] = Squeeze(Mul_grad/ReduceSum_1/ReduceSum, axes=[0])
      outputs
        Mul_grad/ReduceSum_1: float32[1, 3]"
    `);
  });

  test('leaves a sum that others use, and one over axes that are not known', () => {
    const nodes = nodesAfter(fuseSums, (b) => {
      const x = matrix(b);
      const axes = b.input('axes', 'int64', [1]);
      const used = b.add('ReduceSum', [x, b.ints([0])]);
      return [
        used,
        b.add('ReduceSum', [used, b.ints([1])]),
        b.add('ReduceSum', [b.add('ReduceSum', [x, axes]), b.ints([0])]),
      ];
    });
    expect(nodes).toHaveLength(4);
  });
});

describe('rewriting', () => {
  test('keeps gradients given by hand, and the names of sizes', async () => {
    const b = new Builder();
    const x = b.input('x', 'float32', ['n']);
    const hits = b.add('NonZero', [x]);
    const y = b.add('Relu', [b.add('Identity', [x])], {}, { name: 'y' });
    const slope = b.add('Add', [x, b.add('Mul', [x, b.scalar(1, x)])], {}, { name: 'slope' });
    b.override(y, [{ input: x, gradient: slope }]);
    const graph = optimise(b.build('g', [y, hits]));
    expect(graph.values.get('NonZero')!.shape).toEqual([1, 'd0']);
    expect([...graph.overrides]).toEqual([['y', [{ input: 'x', gradient: 'slope' }]]]);
    const again = Builder.from(graph);
    const loss = again.add('ReduceSum', [again.get('y')], { keepdims: 0 });
    const gradient = addGradients(again, again.build('g', [loss]), loss, [again.get('x')]).get('x')!;
    const feeds = { x: tensor('float32' as DataType, [2], [3, -5]) };
    const results = await runModel(writeModel(prune(again.build('g', [gradient]))), feeds);
    expect(numbersOf(results[gradient.name]!)).toEqual([6, -10]);
  });

  test('gives the graph of the file back where there is nothing to do', () => {
    const b = new Builder();
    const graph = b.build('g', [b.add('Relu', [b.input('x', 'float32', ['batch', 3])], {}, { name: 'y' })]);
    expect(optimise(graph)).toStrictEqual(graph);
  });
});
