import { describe, expect, it } from 'vitest';
import { GraphError } from '../../packages/onnx-grad/src/errors.ts';
import { numbersOf, type Tensor, tensor } from '../../packages/onnx-grad/src/graph/tensor.ts';
import { readModel } from '../../packages/onnx-grad/src/onnx/read.ts';
import { writeModel } from '../../packages/onnx-grad/src/onnx/write.ts';
import { modelFile, node, runModel, typed } from './onnx-file.ts';

const X = tensor(
  'float32',
  [2, 3, 4],
  Array.from({ length: 24 }, (_, i) => Math.sin(i)),
);
const FEEDS: Readonly<Record<string, Tensor>> = { x: X };
const input = typed('x', 'float32', ['batch', 3, 'width']);
const ints = (...values: number[]) => ({ value: tensor('int64', [values.length], values) });

/** One model for each opset, with everything that it writes differently from 18; all outputs are compared. */
const MODELS: readonly (readonly [opset: number, nodes: readonly ReturnType<typeof node>[]])[] = [
  [
    13,
    [
      node('ReduceMean', ['x'], ['mean'], { axes: [1, -1], keepdims: 0 }),
      node('ReduceMean', ['x'], ['mean_kept'], { axes: [1] }),
      node('ReduceMean', ['x'], ['mean_of_all'], {}),
      node('ReduceMean', ['x'], ['mean_of_none'], { axes: [] }),
      node('Constant', [], ['axes'], { value_ints: [1] }),
      node('ReduceSum', ['x', 'axes'], ['sum'], { keepdims: 0 }),
      node('Unsqueeze', ['sum', 'axes'], ['apart']),
      node('Squeeze', ['apart', 'axes'], ['together']),
      node('Transpose', ['x'], ['reversed']),
      node('Constant', [], ['at'], { value: tensor('int64', [1, 2], [0, 2]) }),
      node('Constant', [], ['row'], { value: tensor('float32', [1, 4], [1, 2, 3, 4]) }),
      node('ScatterND', ['x', 'at', 'row'], ['scattered']),
      node('Constant', [], ['flat'], ints(2, -1)),
      node('Reshape', ['x', 'flat'], ['rows']),
      node('Shape', ['x'], ['shape']),
      node('Softmax', ['x'], ['soft'], { axis: 1 }),
      node('Constant', [], ['half'], { value: tensor('float32', [], [0.5]) }),
      node('Clip', ['x', '', 'half'], ['clipped']),
      node('Relu', ['x'], ['relu']),
      node('ReduceMax', ['x'], ['largest'], { axes: [1], keepdims: 0 }),
      node('ReduceL2', ['x'], ['norm'], { axes: [-1] }),
      node('ReduceLogSumExp', ['x'], ['soft_largest'], { axes: [0, 2] }),
      node('ReduceProd', ['x'], ['product'], { axes: [2] }),
      node('ReduceMin', ['x'], ['least'], { axes: [0] }),
      node('ReduceL1', ['x'], ['sum_of_sizes'], { axes: [1] }),
      node('ReduceSumSquare', ['x'], ['sum_of_squares'], { axes: [1] }),
      node('Constant', [], ['two'], { value: tensor('int64', [], [2]) }),
      node('Pow', ['x', 'two'], ['square']),
      node('Mod', ['x', 'half'], ['rest'], { fmod: 1 }),
      node('Dropout', ['x'], ['kept']),
      node('Split', ['x'], ['left', 'right'], { axis: 2 }),
      node('Constant', [], ['pads'], ints(0, 1, 0, 0, 0, 2)),
      node('Pad', ['x', 'pads', 'half'], ['padded']),
      node('TopK', ['x', 'axes'], ['top', 'places']),
      node('Constant', [], ['pairs'], { value: tensor('int64', [2, 1, 1], [2, 0]) }),
      node('GatherND', ['x', 'pairs'], ['batched'], { batch_dims: 1 }),
      node('Einsum', ['x', 'x'], ['gram'], { equation: 'bij,bkj->bik' }),
    ],
  ],
  [
    17,
    [
      node('ReduceMean', ['x'], ['mean'], { axes: [-1], keepdims: 0 }),
      node('Constant', [], ['at'], { value: tensor('int64', [2, 2], [0, 2, 0, 2]) }),
      node('Constant', [], ['row'], { value: tensor('float32', [2, 4], [1, 2, 3, 4, 5, 6, 7, 8]) }),
      node('ScatterND', ['x', 'at', 'row'], ['added'], { reduction: 'add' }),
      node('Shape', ['x'], ['shape'], { start: 1, end: -1 }),
      node('Constant', [], ['flat'], ints(2, -1)),
      node('Reshape', ['x', 'flat'], ['rows'], { allowzero: 1 }),
      node('GatherND', ['x', 'at'], ['gathered'], { batch_dims: 0 }),
    ],
  ],
  [
    18,
    [
      node('Constant', [], ['axes'], ints(0, 2)),
      node('ReduceMean', ['x', 'axes'], ['mean'], { keepdims: 0 }),
      node('Constant', [], ['pads'], ints(1, 2, 0, -1)),
      node('Pad', ['x', 'pads', '', 'axes'], ['padded']),
      node('Split', ['x'], ['first', 'second'], { axis: 1, num_outputs: 2 }),
      node('ReduceMean', ['x'], ['itself'], { noop_with_empty_axes: 1 }),
      node('Transpose', ['x'], ['turned'], { perm: [1, 0, 2] }),
      node('Equal', ['x', 'x'], ['same']),
    ],
  ],
  [
    21,
    [
      node('Cast', ['x'], ['whole'], { to: 7, saturate: 1 }),
      node('Shape', ['x'], ['shape']),
      node('ConstantOfShape', ['shape'], ['sevens'], { value: tensor('int64', [1], [7]) }),
      node('Add', ['whole', 'sevens'], ['total']),
      node('Constant', [], ['axes'], ints(0)),
      node('Unsqueeze', ['x', 'axes'], ['apart']),
      node('Squeeze', ['apart', 'axes'], ['together']),
      node('Constant', [], ['flat'], ints(-1)),
      node('Reshape', ['x', 'flat'], ['row'], { allowzero: 1 }),
      node('Flatten', ['x'], ['rows'], { axis: 2 }),
      node('Transpose', ['x'], ['reversed']),
      node('Identity', ['x'], ['copy']),
      node('ReduceMin', ['x', 'axes'], ['least'], { keepdims: 0 }),
      node('Equal', ['x', 'copy'], ['same']),
      node('ReduceMean', ['x', 'axes'], ['mean']),
    ],
  ],
];

describe('readModel', () => {
  it.each(MODELS)('converts opset %i to 18: ONNX Runtime computes the same before and after', async (opset, nodes) => {
    const names = nodes.filter(({ opType }) => opType !== 'Constant').flatMap(({ output }) => output);
    const original = modelFile({
      opset,
      nodes,
      inputs: [input],
      outputs: names.map((name) => typed(name, typeOf(name), null)),
    });
    const [before, after] = [await runModel(original, FEEDS), await runModel(writeModel(readModel(original)), FEEDS)];
    expect(Object.keys(before)).toEqual(names);
    for (const name of names) {
      expect([name, after[name]!.dtype, after[name]!.shape]).toEqual([name, before[name]!.dtype, before[name]!.shape]);
      expect(numbersOf(after[name]!)).toEqual(numbersOf(before[name]!));
    }
  });

  it('creates one constant for equal axes, with a name that the file does not use', () => {
    const graph = readModel(
      modelFile({
        opset: 17,
        nodes: [
          node('ReduceMean', ['x'], ['a'], { axes: [1] }),
          node('ReduceMean', ['x'], ['b'], { axes: [1] }),
          node('ReduceMean', ['x'], ['ints_1'], { axes: [2] }),
        ],
        inputs: [input],
        outputs: ['a', 'b', 'ints_1'].map((name) => typed(name, 'float32', null)),
      }),
    );
    expect([...graph.constants.keys()]).toEqual(['ints_1_1', 'ints_2']);
    expect(graph.nodes.map(({ inputs }) => inputs[1])).toEqual(['ints_1_1', 'ints_1_1', 'ints_2']);
  });

  it.each([
    [
      'axes as an attribute',
      18,
      node('ReduceMean', ['x'], ['y'], { axes: [1] }, { name: 'm' }),
      'ReduceMean node "m" has the attribute "axes", which is not supported',
    ],
    [
      'axes of the wrong type',
      17,
      node('ReduceMean', ['x'], ['y'], { axes: 1 }, { name: 'm' }),
      'attribute "axes" of ReduceMean node "m" is INT, not INTS',
    ],
    [
      'another reduction',
      18,
      node('ScatterND', ['x', 'x', 'x'], ['y'], { reduction: 'mul' }, { name: 's' }),
      'ScatterND node "s" has reduction "mul", but only none and add are supported',
    ],
    [
      'pads of axes that are not constant',
      18,
      node('Pad', ['x', 'x', '', 'x'], ['y'], {}, { name: 'p' }),
      'Pad node "p" pads some axes by numbers that are not constant: give pads for all axes',
    ],
    [
      'other sums of updates',
      16,
      node('ScatterElements', ['x', 'x', 'x'], ['y'], { reduction: 'mul' }, { name: 's' }),
      'ScatterElements node "s" has reduction "mul", but only none and add are supported',
    ],
  ])('refuses %s in opset %i', (_what, opset, item, sentence) => {
    const bytes = modelFile({ opset, nodes: [item], inputs: [input], outputs: [typed('y', 'float32', null)] });
    expect(() => readModel(bytes)).toThrow(new GraphError(sentence));
  });
});

function typeOf(name: string): 'float32' | 'int64' | 'bool' {
  if (name === 'same') return 'bool';
  return ['places', 'shape', 'whole', 'sevens', 'total'].includes(name) ? 'int64' : 'float32';
}
