/** Random small graphs for round trips: everything that the builder accepts. */
import fc from 'fast-check';
import { GraphError } from '../../packages/onnx-grad/src/errors.ts';
import { Builder } from '../../packages/onnx-grad/src/graph/builder.ts';
import type { Graph, Value } from '../../packages/onnx-grad/src/graph/ir.ts';
import { type DataType, type Tensor, tensor } from '../../packages/onnx-grad/src/graph/tensor.ts';

/** One attempt to add a node: numbers that choose op, inputs and attributes. */
type Step = readonly [op: number, first: number, second: number, third: number];

const steps = fc.array(fc.tuple(fc.nat(), fc.nat(), fc.nat(), fc.nat()), { minLength: 4, maxLength: 24 });

type Maker = (b: Builder, x: Value, y: Value, n: number) => Value;

/** An axis of `x`; steps for a scalar, which has none, are left out. */
function axisOf(x: Value, n: number): number {
  if (x.shape.length === 0) throw new GraphError('a scalar has no axis');
  return n % x.shape.length;
}

function notBool(x: Value): Value {
  if (x.dtype === 'bool') throw new GraphError('ONNX does not order truth values');
  return x;
}

/**
 * TopK and Einsum on empty values crash ONNX Runtime's process (SIGFPE). They are refused if the size is known, so of
 * the named sizes only `batch` is allowed, which is fed.
 */
function neverEmpty(x: Value): Value {
  if (x.shape.some((size) => typeof size === 'string' && size !== 'batch')) throw new GraphError('it may be empty');
  return x;
}

const MAKERS: readonly Maker[] = [
  (b, x, y) => b.add('Add', [x, y]),
  (b, x, y) => b.add('Mul', [x, y]),
  (b, x, y) => b.add('Sub', [y, x]),
  (b, x, y) => b.add('MatMul', [x, y]),
  (b, x) => b.add('Relu', [x]),
  (b, x) => b.add('Sigmoid', [x]),
  (b, x, _, n) => b.add('ReduceSum', [x, b.ints([axisOf(x, n)])], { keepdims: n % 2 }),
  (b, x, _, n) => b.add('ReduceMean', n % 3 ? [x, b.ints([-1])] : [x], { keepdims: n % 2 }),
  (b, x, y, n) => b.add('Concat', [x, y, x], { axis: axisOf(x, n) }),
  (b, x, _, n) => b.add('Unsqueeze', [x, b.ints([n % (x.shape.length + 1)])]),
  (b, x, _, n) => b.add('Squeeze', [x, b.ints([axisOf(x, n)])]),
  (b, x) => b.add('Transpose', [x], { perm: x.shape.map((__, i) => x.shape.length - 1 - i) }),
  (b, x, _, n) => b.add('Cast', [x], { to: (['float32', 'int64', 'int32', 'bool'] as const)[n % 4]! }),
  (b, x, y, n) => b.add('Gather', [x, y], { axis: axisOf(x, n) }),
  (b, x, _, n) => b.add('Shape', [x], n % 2 ? {} : { start: -1 }),
  (b, x, _, n) => b.add('Reshape', [x, b.ints([-1])], n % 2 ? {} : { allowzero: 0 }),
  (b, x) => b.add('NonZero', [x]),
  (b, x, y, n) => b.add('Gemm', [x, y], { alpha: Math.fround(0.1), transB: n % 2 }),
  (b, x, _, n) => b.add('Clip', n % 2 ? [notBool(x), null, b.scalar(1, x)] : [notBool(x), b.scalar(-1, x)]),
  (b, x, _, n) => b.add('ConstantOfShape', [b.add('Shape', [x])], n % 2 ? { value: n % 7, dtype: 'int64' } : {}),
  (b, x, _, n) => b.add('Softmax', [x], { axis: axisOf(x, n) }),
  (b, x, y) => b.add('Where', [b.add('Less', [notBool(x), y]), x, y]),
  (b, x, _, n) => b.add('Flatten', [x], { axis: n % (x.shape.length + 1) }),
  (b, x, y) => b.add('Max', [x, y, x]),
  (b, x, _, n) => b.add('Slice', [x, b.ints([0]), b.ints([2]), b.ints([axisOf(x, n)])]),
  (b, x, _, n) => b.add('Slice', [x, b.ints([-1]), b.ints([-9]), b.ints([axisOf(x, n)]), b.ints([-1 - (n % 2)])]),
  (b, x, _, n) => b.addAll('Split', [x], { axis: axisOf(x, n), num_outputs: 2 + (n % 2) })[n % 2]!,
  (b, x, _, n) => b.addAll('TopK', [neverEmpty(notBool(x)), b.ints([1])], { axis: axisOf(x, n) })[n % 2]!,
  (b, x, _, n) => b.add('Tile', [x, b.ints(x.shape.map((__, i) => (i === n % 2 ? 2 : 1)))]),
  (b, x, _, n) => b.add('Pad', [x, b.ints(x.shape.flatMap((__, i) => [i === n % 2 ? 1 : 0, n % 2]))]),
  (b, x, y) => b.add('Equal', [x, y]),
  (b, x, _, n) => b.add('Identity', [n % 2 ? x : b.add('Cast', [x], { to: x.dtype })]),
  (b, x, _, n) => b.add(n % 2 ? 'Mul' : 'Div', [notBool(x), b.scalar(1 + (n % 3), x)]),
  (b, x, _, n) => b.add('Expand', [x, n % 2 ? b.add('Shape', [x]) : b.ints([2, 1])]),
  (b, x) => b.add('Transpose', [x], { perm: x.shape.map((__, i) => (i + 1) % x.shape.length) }),
  (b, x, y) => b.add('Add', [b.add('MatMul', [x, x]), y]),
  (b, x) => b.add('Einsum', [neverEmpty(x), x], { equation: 'ij,kj->ki' }),
];

/** A graph of up to 24 steps (those that the builder refuses are left out) and one to three outputs. */
export const randomGraph: fc.Arbitrary<Graph> = fc.tuple(steps, fc.nat()).map(([list, last]) => makeGraph(list, last));

/** Graphs are run, and repeated Tile and Concat would need gigabytes. */
const MOST_ELEMENTS = 5000;

/** Number of elements, with small values for named sizes. */
function sizeOf({ shape }: Value): number {
  return shape.reduce<number>((count, size) => count * (typeof size === 'number' ? size : 3), 1);
}

function makeGraph(list: readonly Step[], last: number): Graph {
  const b = new Builder();
  const pool = [
    b.input('x', 'float32', ['batch', 3]),
    b.input('ids', 'int64', ['batch']),
    b.input('flags', 'bool', ['batch', 1]),
    b.initializer('weight', tensor('float32', [3, 3], [1, -2, 3, -4, 5, -6, 7, -8, 9])),
    b.initializer('bias', tensor('float32', [3], [0.5, -0, Number.NaN])),
    b.namedConstant('table', tensor('int32', [2, 2], [1, 2, 3, 4])),
  ];
  const given = pool.length;
  for (const [op, first, second, third] of list) {
    const [x, y] = [pool[first % pool.length]!, pool[second % pool.length]!];
    try {
      const value = MAKERS[op % MAKERS.length]!(b, x, y, third);
      if (sizeOf(value) <= MOST_ELEMENTS) pool.push(value);
    } catch (error) {
      if (!(error instanceof GraphError)) throw error;
    }
  }
  if (pool.length === given) pool.push(b.add('Identity', [pool[0]!]));
  const outputs = pool.slice(given).slice(-1 - (last % 3));
  return b.build('random', outputs);
}

/** Tensors of every type: scalars, empty ones, any bits (NaNs with a payload, the least int64). */
export const randomTensor: fc.Arbitrary<Tensor> = fc
  .tuple(
    fc.constantFrom<DataType>('float32', 'float64', 'int64', 'int32', 'bool'),
    fc.array(fc.nat({ max: 3 }), { maxLength: 3 }),
  )
  .chain(([dtype, shape]) => {
    const blank = tensor(dtype, shape, new Array<number>(shape.reduce((product, dim) => product * dim, 1)).fill(0));
    const bits = fc.uint8Array({ minLength: blank.data.byteLength, maxLength: blank.data.byteLength });
    return bits.map((bytes) => {
      const copy = tensor(dtype, shape, new Array<number>(blank.data.length).fill(0));
      const view = new Uint8Array(copy.data.buffer);
      view.set(dtype === 'bool' ? bytes.map((byte) => byte & 1) : bytes);
      return copy;
    });
  });

/** The bytes of a tensor's elements: equal for equal bits, as numbers are not where they are NaN. */
export function bitsOf({ data }: Tensor): Buffer {
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
}
