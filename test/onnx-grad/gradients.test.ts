/** Random graphs of up to 30 ops: gradients of both orders against central differences, in ONNX Runtime. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { GraphError } from '../../packages/onnx-grad/src/errors.ts';
import { Builder } from '../../packages/onnx-grad/src/graph/builder.ts';
import { addGradients } from '../../packages/onnx-grad/src/graph/differentiate.ts';
import type { Graph, Value } from '../../packages/onnx-grad/src/graph/ir.ts';
import { printGraph } from '../../packages/onnx-grad/src/graph/print.ts';
import { prune } from '../../packages/onnx-grad/src/graph/prune.ts';
import { elementCount, type Tensor, tensor } from '../../packages/onnx-grad/src/graph/tensor.ts';
import { openSession } from '../../packages/onnx-grad/src/session/session.ts';
import { createRng } from '../../src/lib/rng.ts';
import { size } from '../fixture/size.ts';

type Maker = (b: Builder, x: Value, y: Value, n: number) => Value;

/** Values, and so their differences, must neither explode nor vanish over 30 ops. */
const MOST_ELEMENTS = 400;
const MOST_OPS = 30;
/** Within vitest's time limit for a test; graphs drawn until then are checked. */
const MOST_MS = 40_000;
const tame = (b: Builder, x: Value) => b.add('Tanh', [x]);
const half = (b: Builder, x: Value) => b.add('Mul', [x, b.scalar(0.5, x)]);
const above = (b: Builder, x: Value) => b.add('Add', [b.add('Sigmoid', [x]), b.scalar(0.5, x)]);

function axisOf(x: Value, n: number): number {
  if (x.shape.length === 0) throw new GraphError('a scalar has no axis');
  return n % x.shape.length;
}

function matrix(x: Value): Value {
  if (x.shape.length !== 2) throw new GraphError('it is not a matrix');
  return x;
}

/** Shapes for which the indices -1, 0 and 1 are valid. */
function twoAlong(x: Value, axis: number): Value {
  if (x.shape.length <= axis || x.shape[axis] === 1) throw new GraphError('there is one element');
  return x;
}

/** One before, and -1 to 1 after, along one axis. */
const padsOf = (x: Value, n: number) =>
  [1, (n % 3) - 1].flatMap((pad) => x.shape.map((_, axis) => (axis === axisOf(x, n) ? pad : 0)));

const last = (x: Value) => axisOf(x, x.shape.length - 1);

const MAKERS: readonly Maker[] = [
  (b, x, y) => half(b, b.add('Add', [x, y])),
  (b, x, y) => b.add('Sub', [x, half(b, y)]),
  (b, x, y) => b.add('Mul', [x, tame(b, y)]),
  (b, x, y) => b.add('Div', [x, above(b, y)]),
  (b, x, y) => half(b, b.add('MatMul', [x, tame(b, y)])),
  (b, x) => half(b, b.add('MatMul', [x, tame(b, b.get('w'))])),
  (b, x, y, n) => b.add('Gemm', [x, tame(b, b.get('w')), y], { alpha: 0.5, beta: 0.25, transB: n % 2 }),
  (b, x, y) => half(b, b.add('Einsum', [matrix(x), matrix(tame(b, y))], { equation: 'ij,ik->jk' })),
  (b, x) => half(b, b.add('Einsum', [x, tame(b, b.add('Relu', [x]))], { equation: '...i,...i->...' })),
  (b, x) => b.add('Einsum', [matrix(x), b.get('w')], { equation: 'ij,jj->ij' }),
  (b, x) => b.add('Sigmoid', [x]),
  (b, x) => b.add('Tanh', [x]),
  (b, x) => b.add('Exp', [tame(b, x)]),
  (b, x) => b.add('Log', [above(b, x)]),
  (b, x) => b.add('Sqrt', [above(b, x)]),
  (b, x) => b.add('Relu', [x]),
  (b, x) => b.add('Softplus', [x]),
  (b, x) => b.add('Erf', [x]),
  // halved, since ONNX Runtime cannot open a Clip of doubles right after a Relu (its fusion of the two fails)
  (b, x, _, n) => b.add('Clip', [half(b, x), n % 2 ? null : b.scalar(-0.5, x), n % 3 ? b.scalar(0.7, x) : null]),
  (b, x, y) => b.add('Max', [x, y]),
  (b, x, y) => b.add('Where', [b.add('Greater', [x, y]), y, half(b, x)]),
  (b, x, _, n) => b.add('Softmax', [x], { axis: axisOf(x, n) }),
  (b, x, _, n) => half(b, b.add('LogSoftmax', [x], { axis: axisOf(x, n) })),
  (b, x, _, n) => half(b, b.add('ReduceSum', [x, b.ints([axisOf(x, n)])], { keepdims: n % 2 })),
  (b, x, _, n) => b.add('ReduceMean', n % 3 ? [x, b.ints([axisOf(x, n)])] : [x], { keepdims: n % 2 }),
  (b, x, _, n) => b.add('ReduceLogSumExp', [x, b.ints([axisOf(x, n)])], { keepdims: n % 2 }),
  (b, x, _, n) => b.add('ReduceMax', [x, b.ints([axisOf(x, n)])], { keepdims: n % 2 }),
  (b, x, _, n) => half(b, b.add('CumSum', [x, b.scalar(axisOf(x, n), 'int64')], { reverse: n % 2 })),
  (b, x, y, n) => b.add('Concat', [x, y, x], { axis: axisOf(x, n) }),
  (b, x, _, n) => b.addAll('Split', [x, b.ints([1, 2])], { axis: last(x) })[n % 2]!,
  (b, x, _, n) => {
    const [p, q] = b.addAll('Split', [x, b.ints([1, 2])], { axis: last(x) });
    return n % 2 ? b.add('Mul', [p!, tame(b, q!)]) : b.add('Concat', [q!, p!], { axis: last(x) });
  },
  (b, x, _, n) => b.add('Slice', [x, b.ints([n % 3]), b.ints([9]), b.ints([axisOf(x, n)]), b.ints([1 + (n % 2)])]),
  (b, x, _, n) => b.add('Slice', [x, b.ints([-1]), b.ints([-9]), b.ints([axisOf(x, n)]), b.ints([-1 - (n % 2)])]),
  (b, x, _, n) => b.add('Pad', [x, b.ints(padsOf(x, n)), n % 2 ? b.get('c') : null]),
  (b, x, _, n) => b.add('Transpose', [x], { perm: x.shape.map((__, i) => (i + 1 + (n % 2)) % x.shape.length) }),
  (b, x, _, n) => b.add('Reshape', [x, b.ints(n % 2 ? [-1] : [3, -1])]),
  (b, x, y) => b.add('Reshape', [x, b.add('Shape', [y])], { allowzero: 1 }),
  (b, x, _, n) => b.add('Flatten', [x], { axis: n % (x.shape.length + 1) }),
  (b, x, _, n) => b.add('Unsqueeze', [x, b.ints([n % (x.shape.length + 1)])]),
  (b, x) => b.add('Squeeze', [x, b.ints([x.shape.indexOf(1)])]),
  (b, x, y) => b.add('Expand', [x, b.add('Shape', [y])]),
  (b, x, _, n) => b.add('Tile', [x, b.ints(x.shape.map((__, i) => (i === n % 2 ? 2 : 1)))]),
  (b, x, _, n) => b.add('Gather', [twoAlong(x, axisOf(x, n)), b.get('rows')], { axis: axisOf(x, n) }),
  (b, x) => b.add('GatherND', [twoAlong(x, 0), b.add('Unsqueeze', [b.get('rows'), b.ints([-1])])]),
  (b, x) => b.add('GatherElements', [twoAlong(matrix(x), 1), b.get('places')], { axis: 1 }),
  (b, x) =>
    b.add('ScatterElements', [twoAlong(matrix(x), 1), b.get('places'), b.get('w')], { axis: 1, reduction: 'add' }),
  (b, x, y) => {
    const at = b.add('Unsqueeze', [b.get('rows'), b.ints([-1])]);
    return b.add('ScatterND', [twoAlong(x, 0), at, b.add('Gather', [twoAlong(y, 0), b.get('rows')])], {
      reduction: 'add',
    });
  },
  (b, x, _, n) => b.addAll('TopK', [x, b.ints([1 + (n % 2)])], { axis: last(x), largest: n % 2 })[0]!,
  (b, x, _, n) => b.add('Trilu', [matrix(x)], { upper: n % 2 }),
  (b, x, y) => b.add('Identity', [b.add('Sum', [half(b, x), half(b, y)])]),
];

const sizesOf = (shape: readonly (number | string)[]) => shape.map((dim) => (typeof dim === 'number' ? dim : 4));

interface Orders {
  readonly graph: Graph;
  readonly ops: number;
  readonly names: readonly string[];
  readonly loss: Value;
  readonly product: Value;
  readonly first: ReadonlyMap<string, Value>;
  readonly second: ReadonlyMap<string, Value>;
}

const SHAPES: Readonly<Record<string, readonly (number | string)[]>> = { a: ['n', 3], v: [3], c: [], w: [3, 3] };

const randomOrders: fc.Arbitrary<Orders> = fc
  .array(fc.tuple(fc.nat(), fc.nat(), fc.nat(), fc.nat()), { minLength: 3, maxLength: 80, size: 'max' })
  .map((steps) => {
    // the same graph twice, with a name in one where the other has a size: this shows whether a step can run
    const [b, sized] = [new Builder(), new Builder()];
    const names = Object.keys(SHAPES);
    const pool = names.map((name) => [
      b.input(name, 'float64', SHAPES[name]!),
      sized.input(name, 'float64', sizesOf(SHAPES[name]!)),
    ]);
    for (const builder of [b, sized]) {
      builder.namedConstant('rows', tensor('int64', [3], [1, 0, -1]));
      builder.namedConstant('places', tensor('int64', [3, 3], [0, 1, 0, 1, 0, -1, 0, 0, 1]));
    }
    let ops = 0;
    for (const [op, first, second, third] of steps) {
      if (ops === MOST_OPS) break;
      // from the later half of the pool, so that graphs are deep
      const pick = (n: number) => pool.at(-1 - (n % Math.max(6, pool.length >> 1))) ?? pool[n % pool.length]!;
      try {
        const make = MAKERS[op % MAKERS.length]!;
        const size = make(sized, pick(first)[1]!, pick(second)[1]!, third);
        const count = elementCount(size.shape as readonly number[]);
        if (count === 0 || count > MOST_ELEMENTS) continue;
        pool.push([make(b, pick(first)[0]!, pick(second)[0]!, third), size]);
        ops++;
      } catch (error) {
        if (!(error instanceof GraphError)) throw error;
      }
    }
    const sum = (values: readonly Value[]) =>
      values
        .map((value) => b.add('ReduceSum', [value], { keepdims: 0 }))
        .reduce((total, part) => b.add('Add', [total, part]));
    const loss = sum(pool.slice(-5).map(([value]) => b.add('Mul', [value!, value!])));
    const parameters = names.map((name) => b.get(name));
    const first = addGradients(b, b.build('first', [loss]), loss, parameters);
    const along = parameters.map((x) =>
      b.add('Mul', [first.get(x.name)!, b.input(`along.${x.name}`, x.dtype, x.shape)]),
    );
    const product = sum(along);
    const second = addGradients(b, b.build('second', [product]), product, parameters);
    const outputs = [loss, product, ...first.values(), ...second.values()];
    return { graph: prune(b.build('random', [...new Set(outputs)])), ops, names, loss, product, first, second };
  });

const rng = createRng('gradients');
const draw = (shape: readonly (number | string)[]): Tensor => {
  const sizes = sizesOf(shape);
  return tensor(
    'float64',
    sizes,
    Array.from({ length: elementCount(sizes) }, () => rng.normal()),
  );
};
/** The point, and the directions of the second order and of the differences. */
const [AT, ALONG, STEP] = [0, 1, 2].map(() =>
  Object.fromEntries(Object.entries(SHAPES).map(([name, shape]) => [name, draw(shape)])),
) as [Record<string, Tensor>, Record<string, Tensor>, Record<string, Tensor>];

/** The point moved by `by` along STEP. */
function feedsAt(by: number): Record<string, Tensor> {
  const feeds: Record<string, Tensor> = {};
  for (const [name, x] of Object.entries(AT)) {
    const data = Float64Array.from(x.data as Float64Array, (element, i) => element + by * Number(STEP[name]!.data[i]));
    feeds[name] = { ...x, data };
    feeds[`along.${name}`] = ALONG[name]!;
  }
  return feeds;
}

describe('gradients of random graphs', () => {
  test('agree with central differences to the second order', async () => {
    const step = 1e-6;
    let [checked, ops, largest] = [0, 0, 0];
    await fc.assert(
      fc.asyncProperty(randomOrders, async (orders) => {
        const session = await openSession(orders.graph);
        try {
          const [here, above, below] = [
            await session.run(feedsAt(0)),
            await session.run(feedsAt(step)),
            await session.run(feedsAt(-step)),
          ];
          const numberOf = (run: Record<string, Tensor>, value: Value) => Number(run[value.name]!.data[0]);
          for (const [order, value, gradients] of [
            [1, orders.loss, orders.first],
            [2, orders.product, orders.second],
          ] as const) {
            const wanted: number = (numberOf(above, value) - numberOf(below, value)) / (2 * step);
            let got = 0;
            for (const name of orders.names) {
              const gradient = here[gradients.get(name)!.name]!;
              expect(gradient.shape).toEqual(AT[name]!.shape);
              gradient.data.forEach((element, i) => {
                got += Number(element) * Number(STEP[name]!.data[i]);
              });
            }
            const scale = 1 + Math.abs(wanted) + Math.abs(numberOf(here, value));
            const far = !(Math.abs(got - wanted) <= 1e-5 * scale);
            if (far) expect.fail(`order ${order} is ${got}, not ${wanted}, in ${printGraph(orders.graph)}`);
          }
          checked++;
          ops += orders.ops;
          largest = Math.max(largest, orders.ops);
        } finally {
          await session.close();
        }
      }),
      // a failure is reported at once, with its seed, without shrinking: a graph of 30 ops with two orders takes .2 s,
      // shrinking it minutes
      { numRuns: size(30, 60), endOnFailure: true, interruptAfterTimeLimit: MOST_MS },
    );
    expect(ops / checked).toBeGreaterThan(15);
    expect(largest).toBe(MOST_OPS);
  });
});
