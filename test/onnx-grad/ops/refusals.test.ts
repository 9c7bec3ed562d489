/** What the shape rules refuse, and the message of each. */
import { describe, expect, test } from 'vitest';
import { GraphError } from '../../../packages/onnx-grad/src/errors.ts';
import { Builder } from '../../../packages/onnx-grad/src/graph/builder.ts';
import { addGradients } from '../../../packages/onnx-grad/src/graph/differentiate.ts';
import type { Value } from '../../../packages/onnx-grad/src/graph/ir.ts';
import { type DataType, type Shape, tensor } from '../../../packages/onnx-grad/src/graph/tensor.ts';

type Attempt = (b: Builder, x: (...shape: Shape) => Value, typed: (dtype: DataType, ...shape: Shape) => Value) => void;

const REFUSED: readonly (readonly [sentence: string, attempt: Attempt])[] = [
  // of every op
  ['Add node "Add" has 1 inputs, not 2', (b, x) => b.add('Add', [x(2)])],
  ['Sub node "Sub" lacks its input 1', (b, x) => b.add('Sub', [x(2), null])],
  [
    'Add node "Add"(x0: float64[2], x1: float32[2]): types float64 and float32 are mixed',
    (b, x, typed) => b.add('Add', [x(2), typed('float32', 2)]),
  ],
  // elementwise
  [
    'Mul node "Mul"(x0: float64[2, 3], x1: float64[n, 2]): sizes 3 and 2 do not broadcast',
    (b, x) => b.add('Mul', [x(2, 3), x('n', 2)]),
  ],
  ['"x0" is bool, not a number', (b, _, typed) => b.add('Neg', [typed('bool', 2)])],
  ['"x0" is int64, not a float', (b, _, typed) => b.add('Sigmoid', [typed('int64', 2)])],
  ['input 1 is missing', (b, x) => b.add('Max', [x(2), null])],
  ['a bound is float64[1], not a scalar float64', (b, x) => b.add('Clip', [x(2), x(1)])],
  ['the condition is float64, not bool', (b, x) => b.add('Where', [x(2), x(2), x(2)])],
  [
    'ONNX Runtime has no Where for booleans: use And, Or and Not',
    (b, _, typed) => b.add('Where', [typed('bool'), typed('bool'), typed('bool')]),
  ],
  // math and power
  ['"x0" is float64: Erf takes float32 only', (b, x) => b.add('Erf', [x(2)])],
  ['"x0" is float64, so fmod must be 1', (b, x) => b.add('Mod', [x(2), x(2)])],
  // activations
  ['a slope of shape [3, 1] does not broadcast to [2]', (b, x) => b.add('PRelu', [x(2), x(3, 1)])],
  // many
  ['Mean takes float32 only, not float64', (b, x) => b.add('Mean', [x(2), x(2)])],
  // logic
  ['"x1" is int64, not bool', (b, _, typed) => b.add('Xor', [typed('bool', 2), typed('int64', 2)])],
  ['"x0" is float64, not bool', (b, x) => b.add('Not', [x(2)])],
  // reduce
  ['axis 2 is out of range for a value of rank 2', (b, x) => b.add('ReduceSum', [x(2, 3), b.ints([2])])],
  ['axes 1, -1 repeat an axis', (b, x) => b.add('ReduceSum', [x(2, 3), b.ints([1, -1])])],
  ['axes "x1" is float64, not int64 or int32', (b, x) => b.add('ReduceSum', [x(2), x(1)])],
  [
    'the axes must be known before running unless keepdims is 1',
    (b, x, typed) => b.add('ReduceSum', [x(2), typed('int64', 1)], { keepdims: 0 }),
  ],
  ['the axis must be a single number', (b, x, typed) => b.add('CumSum', [x(2, 3), typed('int64', 2)])],
  // matrix
  ['inner sizes 3 and 2 differ', (b, x) => b.add('MatMul', [x(2, 3), x(2, 3)])],
  ['a scalar has no matrix product', (b, x) => b.add('MatMul', [x(), x(2)])],
  ['Gemm takes matrices', (b, x) => b.add('Gemm', [x(2), x(2, 2)])],
  ['C of size 2 does not broadcast to 1', (b, x) => b.add('Gemm', [x(1, 2), x(2, 2), x(2, 2)])],
  ['C of rank 3 does not broadcast to a matrix', (b, x) => b.add('Gemm', [x(2, 2), x(2, 2), x(1, 1, 1)])],
  // gather
  ['axis 2 is out of range for a value of rank 2', (b, x) => b.add('Gather', [x(2, 2), b.ints([0])], { axis: 2 })],
  ['a scalar cannot be indexed', (b, x) => b.add('Gather', [x(), b.ints([0])])],
  ['indices are int32, not int64', (b, x, typed) => b.add('GatherND', [x(2), typed('int32', 1, 1)])],
  [
    'index tuples of length 3 do not fit a value of rank 2',
    (b, x, typed) => b.add('GatherND', [x(2, 2), typed('int64', 1, 3)]),
  ],
  [
    'the last axis of the indices must be known before running',
    (b, x, typed) => b.add('GatherND', [x(2, 2), typed('int64', 1, 'k')]),
  ],
  [
    'the updates have shape [3], not [3, 2]',
    (b, x, typed) => b.add('ScatterND', [x(4, 2), typed('int64', 3, 1), x(3)], { reduction: 'add' }),
  ],
  [
    'reduction "mul" is not supported: use none or add',
    (b, x, typed) => b.add('ScatterND', [x(4), typed('int64', 3, 1), x(3)], { reduction: 'mul' as 'add' }),
  ],
  [
    'batch_dims 2 is not in the range 0 to 1',
    (b, x, typed) => b.add('GatherND', [x(2, 2), typed('int64', 2, 1)], { batch_dims: 2 }),
  ],
  [
    'sizes 2 and 3 differ at batch axis 0',
    (b, x, typed) => b.add('GatherND', [x(2, 2), typed('int64', 3, 1)], { batch_dims: 1 }),
  ],
  ['index 3 is outside an axis of size 3', (b, x) => b.add('Gather', [x(2, 3), b.ints([0, 3])], { axis: 1 })],
  [
    'index 2 is outside an axis of size 2',
    (b, x) => b.add('GatherND', [x(3, 2), b.constant(tensor('int64', [2, 2], [2, 1, 0, 2]))]),
  ],
  ['indices of rank 1 do not fit a value of rank 2', (b, x) => b.add('GatherElements', [x(2, 2), b.ints([0])])],
  [
    'the indices have size 3 at axis 1, but the value has size 2',
    (b, x, typed) => b.add('GatherElements', [x(2, 2), typed('int64', 1, 3)]),
  ],
  ['the updates have shape [3], not [2]', (b, x) => b.add('ScatterElements', [x(4), b.ints([0, 1]), x(3)])],
  ['k is 3, but the axis has size 2', (b, x) => b.add('TopK', [x(2), b.ints([3])])],
  ['a value of shape [0, 3] has no elements', (b, x) => b.add('TopK', [x(0, 3), b.ints([2])])],
  ['k is int64[], not int64[1]', (b, x) => b.add('TopK', [x(2), b.scalar(1, 'int64')])],
  ['a value of rank 1 contains no matrices', (b, x) => b.add('Trilu', [x(2)])],
  // shape
  ['the shape must be a vector', (b) => b.add('ConstantOfShape', [b.scalar(2, 'int64')])],
  [
    'the rank of the result must be known before running',
    (b, x, typed) => b.add('Expand', [x(1), typed('int64', 'rank')]),
  ],
  ['start, limit and delta must be scalars', (b, x) => b.add('Range', [x(1), x(), x()])],
  [
    'delta is 0',
    (b) =>
      b.add(
        'Range',
        [0, 1, 0].map((value) => b.scalar(value, 'int64')),
      ),
  ],
  ['the indices of a scalar are not defined', (b, _, typed) => b.add('NonZero', [typed('bool')])],
  ['6 elements do not fit [4]', (b, x) => b.add('Reshape', [x(2, 3), b.ints([4])])],
  ['6 elements do not fit [4, -1]', (b, x) => b.add('Reshape', [x(2, 3), b.ints([4, -1])])],
  ['4 elements do not fit [n, 3]', (b, x) => b.add('Reshape', [x(4), b.add('Shape', [x('n', 3)])], { allowzero: 1 })],
  [
    '[n, 3] does not fit [-1, 2, n]',
    (b, x) => {
      const size = b.add('Shape', [x('n')]);
      b.add('Reshape', [x('n', 3), b.add('Concat', [b.ints([-1, 2]), size], { axis: 0 })]);
    },
  ],
  // four known elements in a shape with a name: the name is 4
  [
    '4 elements do not fit [3, 3]',
    (b, x) => {
      const four = b.add('Reshape', [b.ints([1, 2, 3, 4]), b.add('Shape', [x('n')])], { allowzero: 1 });
      b.add('Reshape', [four, b.ints([3, 3])]);
    },
  ],
  [
    '4 elements do not fit [1]',
    (b, x) => {
      const four = b.add('Reshape', [b.ints([1, 2, 3, 4]), b.add('Shape', [x('n', 1)])], { allowzero: 1 });
      b.add('Squeeze', [four, b.ints([0])]);
    },
  ],
  ['more than one size is -1', (b, x) => b.add('Reshape', [x(2, 3), b.ints([-1, -1])])],
  ['size 0 at axis 1 copies an axis that the value does not have', (b, x) => b.add('Reshape', [x(2), b.ints([2, 0])])],
  ['axis 1 has size 3, not 1', (b, x) => b.add('Squeeze', [x(1, 3), b.ints([1])])],
  ['Squeeze without axes needs a shape that is known before running', (b, x) => b.add('Squeeze', [x('n', 1)])],
  ['the axes of Squeeze must be known before running', (b, x, typed) => b.add('Squeeze', [x(1), typed('int64', 1)])],
  ['perm [0, 0] is not a permutation of 2 axes', (b, x) => b.add('Transpose', [x(2, 3)], { perm: [0, 0] })],
  ['sizes 2 and 3 differ at axis 0', (b, x) => b.add('Concat', [x(2, 1), x(3, 1)], { axis: 1 })],
  ['the inputs have different ranks', (b, x) => b.add('Concat', [x(2, 1), x(2)], { axis: 0 })],
  ['a step is 0', (b, x) => b.add('Slice', [x(4), b.ints([0]), b.ints([4]), b.ints([0]), b.ints([0])])],
  [
    '"ints_1" is int64[1], not one bound for each of 2 axes',
    (b, x) => b.add('Slice', [x(4, 3), b.ints([0, 0]), b.ints([1])]),
  ],
  ['the parts have 3 elements in total, but the axis has 4', (b, x) => b.add('Split', [x(4), b.ints([1, 2])])],
  ['both split and num_outputs are given', (b, x) => b.add('Split', [x(4), b.ints([4])], { num_outputs: 1 })],
  ['neither split nor num_outputs is given', (b, x) => b.add('Split', [x(4)])],
  ['size 5 does not split into 4 parts of 2', (b, x) => b.add('Split', [x(5)], { num_outputs: 4 })],
  ['the number of parts must be known before running', (b, x, typed) => b.add('Split', [x(4), typed('int64', 'k')])],
  [
    'mode "reflect" is not supported: only constant is',
    (b, x) => b.add('Pad', [x(4), b.ints([1, 1])], { mode: 'reflect' as 'constant' }),
  ],
  ['a scalar has no axis to pad', (b, x) => b.add('Pad', [x(), b.ints([])])],
  ['the pads are int64[2], not two for each of 2 axes', (b, x) => b.add('Pad', [x(4, 3), b.ints([1, 1])])],
  ['the pads are int32, not int64', (b, x, typed) => b.add('Pad', [x(4), typed('int32', 2)])],
  ['the fill value is float64[2], not a scalar float64', (b, x) => b.add('Pad', [x(4), b.ints([1, 1]), x(2)])],
  ['the pads remove 3 from axis 0, whose size is only 2', (b, x) => b.add('Pad', [x(2), b.ints([-1, -2])])],
  ['the repeats are int64[1], not one for each of 2 axes', (b, x) => b.add('Tile', [x(2, 3), b.ints([2])])],
  ['the repeats [-1] contain a negative number', (b, x) => b.add('Tile', [x(2), b.ints([-1])])],
  ['the shape [2, -1] has a size below 0', (b, x) => b.add('Expand', [x(1), b.ints([2, -1])])],
  // generate
  ['a value of rank 1 is not a matrix', (b, x) => b.add('EyeLike', [x(2)])],
  [
    'there must be two values, off and on',
    (b, x, typed) => b.add('OneHot', [typed('int64', 2), b.scalar(3, 'int64'), x(3)]),
  ],
  ['the depth must be a scalar', (b, x, typed) => b.add('OneHot', [typed('int64', 2), b.ints([3, 4]), x(2)])],
  ['a scalar cannot be made one-hot', (b, x, typed) => b.add('OneHot', [typed('int64'), b.scalar(3, 'int64'), x(2)])],
  // einsum
  ['the equation "ij->i" has 1 terms for 2 inputs', (b, x) => b.add('Einsum', [x(2), x(2)], { equation: 'ij->i' })],
  ['the equation "i1->i" contains the invalid term "i1"', (b, x) => b.add('Einsum', [x(2, 2)], { equation: 'i1->i' })],
  ['the term "ij" of "ij->i" does not fit a value of rank 1', (b, x) => b.add('Einsum', [x(2)], { equation: 'ij->i' })],
  ['the result of "i->ij" repeats "j", or no input has it', (b, x) => b.add('Einsum', [x(2)], { equation: 'i->ij' })],
  [
    'the ellipses of "...,...->..." stand for different numbers of axes',
    (b, x) => b.add('Einsum', [x(2), x(2, 2)], { equation: '...,...->...' }),
  ],
  ['sizes 2 and 3 differ along "i" of "i,i->"', (b, x) => b.add('Einsum', [x(2), x(3)], { equation: 'i,i->' })],
  [
    'sizes n and 1 differ along "b" of "bi,bi->b"',
    (b, x) => b.add('Einsum', [x('n', 3), x(1, 3)], { equation: 'bi,bi->b' }),
  ],
  [
    '"ij,kj->ik" sums over no elements along "j"',
    (b, x) => b.add('Einsum', [x(2, 0), x(3, 0)], { equation: 'ij,kj->ik' }),
  ],
  [
    'the number of sliced axes must be known before running',
    (b, x, typed) => b.add('Slice', [x(4), typed('int64', 'k'), typed('int64', 'k')]),
  ],
];

describe('a shape rule', () => {
  test.each(REFUSED)('refuses: %s', (sentence, attempt) => {
    const b = new Builder();
    let count = 0;
    const typed = (dtype: DataType, ...shape: Shape) => b.input(`x${count++}`, dtype, shape);
    let refusal: unknown;
    try {
      attempt(b, (...shape) => typed('float64', ...shape), typed);
    } catch (error) {
      refusal = error;
    }
    expect(refusal).toBeInstanceOf(GraphError);
    // the node and its inputs come before the sentence
    const { message } = refusal as GraphError;
    expect(sentence.includes(' node ') ? message : message.split('): ')[1]).toBe(sentence);
  });

  test.each(['ReduceProd', 'ReduceMean'] as const)('of %s refuses a gradient over axes that are not known', (op) => {
    const b = new Builder();
    const x = b.input('x', 'float32', [2, 2]);
    const out = b.add(op, [x, b.input('axes', 'int64', [1])]);
    const loss = b.add('ReduceSum', [out], { keepdims: 0 });
    expect(() => addGradients(b, b.build('g', [loss]), loss, [x])).toThrow(
      `${op} node "${op}" cannot be differentiated: the axes of ${op} must be known before running`,
    );
  });

  test('does not change the graph when it refuses', () => {
    const b = new Builder();
    const x = b.initializer('x', tensor('float32', [2], [1, 2]));
    expect(() => b.add('MatMul', [x, b.scalar(1, x)])).toThrow(GraphError);
    expect(b.build('g', [x]).nodes).toEqual([]);
    expect(b.add('MatMul', [x, x]).name).toBe('MatMul');
  });
});
