/** Ranges of scores. */
import { describe, expect, it } from 'vitest';
import { Builder, tensor, type Value } from '../../../packages/onnx-grad/index.ts';
import { scoreRange } from '../../../src/model/import/score-range.ts';

type Score = (b: Builder, x: Value, y: Value) => Value;

/** The range of a score that is computed from `x` and `y`, both `[batch, 3]` and of any value. */
function rangeOf(score: Score): readonly number[] {
  const b = new Builder();
  b.initializer('w', tensor('float32', [3], [0.25, 0.5, 0.25]));
  b.initializer('trained', tensor('float32', [3], [0.25, 0.5, 0.25]));
  const [x, y] = ['x', 'y'].map((name) => b.input(name, 'float32', ['batch', 3]));
  return scoreRange(b.build('model', [score(b, x!, y!)]), ['trained']);
}

const sigmoid: Score = (b, x) => b.add('Sigmoid', [x]);
const softmax: Score = (b, x) => b.add('Softmax', [x], { axis: 1 });
const one = (b: Builder): Value => b.scalar(1, 'float32');
const sum = (b: Builder, x: Value, axis: number): Value => b.add('ReduceSum', [x, b.ints([axis])], { keepdims: 0 });
const column = (b: Builder, x: Value, i: number): Value =>
  b.add('Gather', [x, b.constant(tensor('int64', [], [i]))], { axis: 1 });
/** A weighted mean of the columns of `values`, column by column. */
const mix = (b: Builder, weights: Value, values: Value, columns: readonly number[]): Value =>
  columns
    .map((i) => b.add('Mul', [column(b, weights, i), column(b, values, i)]))
    .reduce((a, c) => b.add('Add', [a, c]));

describe('the range of a score', () => {
  it.each<[string, Score, readonly number[]]>([
    ['a logit', (_, x) => x, [-Infinity, Infinity]],
    ['a sigmoid', sigmoid, [0, 1]],
    ['a softmax', softmax, [0, 1]],
    ['a clip', (b, x) => b.add('Clip', [x, b.scalar(0, x), b.scalar(1, x)]), [0, 1]],
    ['a clip with one end', (b, x) => b.add('Clip', [x, b.scalar(0, x)]), [0, Infinity]],
    ['1 - p', (b, x) => b.add('Sub', [one(b), sigmoid(b, x, x)]), [0, 1]],
    ['a product of two', (b, x, y) => b.add('Mul', [sigmoid(b, x, x), sigmoid(b, y, y)]), [0, 1]],
    ['a sum of two', (b, x, y) => b.add('Add', [sigmoid(b, x, x), sigmoid(b, y, y)]), [0, 2]],
    [
      'half a sum',
      (b, x, y) => b.add('Div', [b.add('Add', [sigmoid(b, x, x), sigmoid(b, y, y)]), b.scalar(2, x)]),
      [0, 1],
    ],
    ['(tanh + 1) / 2', (b, x) => b.add('Mul', [b.add('Add', [b.add('Tanh', [x]), one(b)]), b.scalar(0.5, x)]), [0, 1]],
    [
      '1 / (1 + exp(-x))',
      (b, x) => b.add('Reciprocal', [b.add('Add', [one(b), b.add('Exp', [b.add('Neg', [x])])])]),
      [0, 1],
    ],
    ['exp(log-softmax)', (b, x) => b.add('Exp', [b.add('LogSoftmax', [x], { axis: 1 })]), [0, 1]],
    ['a mean', (b, x) => b.add('ReduceMean', [sigmoid(b, x, x), b.ints([1])], { keepdims: 0 }), [0, 1]],
    ['a sum of a row', (b, x) => sum(b, sigmoid(b, x, x), 1), [0, 3]],
    ['a fixed weight', (b, x) => b.add('Mul', [sigmoid(b, x, x), b.get('w')]), [0, 0.5]],
    ['a trained weight', (b, x) => b.add('Mul', [sigmoid(b, x, x), b.get('trained')]), [-Infinity, Infinity]],
    [
      'moved and cast',
      (b, x) => b.add('Cast', [b.add('Reshape', [sigmoid(b, x, x), b.ints([-1])])], { to: 'float64' }),
      [0, 1],
    ],
    ['either of two', (b, x, y) => b.add('Where', [b.add('Greater', [x, y]), sigmoid(b, x, x), one(b)]), [0, 1]],
    ['a weighted mean', (b, x, y) => sum(b, b.add('Mul', [sigmoid(b, y, y), softmax(b, x, x)]), 1), [0, 1]],
    [
      'a weighted sum of users',
      (b, x, y) => sum(b, b.add('Mul', [sigmoid(b, y, y), softmax(b, x, x)]), 0),
      [0, Infinity],
    ],
    ['a weighted mean of logits', (b, x, y) => sum(b, b.add('Mul', [y, softmax(b, x, x)]), 1), [-Infinity, Infinity]],
    ['a weighted mean, one by one', (b, x, y) => mix(b, softmax(b, x, x), sigmoid(b, y, y), [0, 1, 2]), [0, 1]],
    ['a weight that is used twice', (b, x, y) => mix(b, softmax(b, x, x), sigmoid(b, y, y), [0, 1, 1]), [0, 2]],
    [
      'weights of two',
      (b, x, y) => b.add('Add', [column(b, softmax(b, x, x), 0), column(b, softmax(b, y, y), 1)]),
      [0, 2],
    ],
    [
      'a weighted mean as a product of matrices',
      (b, x, y) => {
        const row = b.add('Reshape', [softmax(b, x, x), b.ints([-1, 1, 3])]);
        return b.add('MatMul', [row, b.add('Unsqueeze', [sigmoid(b, y, y), b.ints([2])])]);
      },
      [0, 1],
    ],
    [
      'a weighted mean along an axis that was moved',
      (b, x, y) => {
        const weights = b.add('Transpose', [softmax(b, x, x)], { perm: [1, 0] });
        return sum(b, b.add('Mul', [weights, b.add('Transpose', [sigmoid(b, y, y)], { perm: [1, 0] })]), 0);
      },
      [0, 1],
    ],
  ])('%s', (_, score, range) => {
    expect(rangeOf(score)).toEqual(range);
  });
});
