/**
 * Composite ops in files: compared with ONNX Runtime on the original bytes, and gradients of order 1 and 2 with
 * differences.
 */

import { describe, expect, it } from 'vitest';
import type { CompositeOp } from '../../packages/onnx-grad/src/composites/spec.ts';
import { COMPOSITES } from '../../packages/onnx-grad/src/composites/table.ts';
import { GraphError } from '../../packages/onnx-grad/src/errors.ts';
import { Builder } from '../../packages/onnx-grad/src/graph/builder.ts';
import type { Graph } from '../../packages/onnx-grad/src/graph/ir.ts';
import {
  type DataType,
  elementCount,
  numbersOf,
  type Tensor,
  tensor,
} from '../../packages/onnx-grad/src/graph/tensor.ts';
import type { NodeProto } from '../../packages/onnx-grad/src/onnx/generated/onnx_pb.ts';
import { readModel } from '../../packages/onnx-grad/src/onnx/read.ts';
import { writeModel } from '../../packages/onnx-grad/src/onnx/write.ts';
import { openSession } from '../../packages/onnx-grad/src/session/session.ts';
import { createRng } from '../../src/lib/rng.ts';
import { type FileModel, floatAttribute, initializer, modelFile, node, runModel, typed } from './onnx-file.ts';
import { addOrders, checkOrders, drawFloats, expectClose, feedsOf } from './ops/orders.ts';

interface CompositeCase {
  readonly attributes?: Parameters<typeof node>[3];
  /** Shapes of the inputs, which are all fed. */
  readonly shapes: readonly (readonly number[])[];
  /** Number of named outputs. Default: 1. */
  readonly outputs?: number;
}

interface CompositeCases {
  readonly opset: number;
  /** The type for differences: float32 if an op of the decomposition has no other. Default: float64. */
  readonly differences?: DataType;
  /** Inputs that are positive (variances). */
  readonly positive?: readonly number[];
  /** Whether named sizes are refused. */
  readonly sized?: boolean;
  readonly cases: readonly CompositeCase[];
}

const unary: readonly CompositeCase[] = [[], [4], [2, 3], [2, 0]].map((shape) => ({ shapes: [shape] }));

const CASES: { readonly [K in CompositeOp]: CompositeCases } = {
  BatchNormalization: {
    opset: 15,
    positive: [4],
    cases: [
      { shapes: [[4, 3], [3], [3], [3], [3]] },
      { shapes: [[2, 3, 2], [3], [3], [3], [3]], attributes: { epsilon: floatAttribute('epsilon', 0.25) } },
      { shapes: [[1, 2, 2, 3], [2], [2], [2], [2]], attributes: { momentum: floatAttribute('momentum', 0.5) } },
    ],
  },
  CastLike: { opset: 15, cases: [{ shapes: [[2, 3], [1]] }] },
  Celu: {
    opset: 13,
    cases: [...unary, { shapes: [[2, 3]], attributes: { alpha: floatAttribute('alpha', 0.75) } }],
  },
  Conv: {
    opset: 13,
    sized: true,
    cases: [
      { shapes: [[2, 3, 4], [5, 3, 1], [5]], attributes: { kernel_shape: [1], strides: [1], pads: [0, 0], group: 1 } },
      {
        shapes: [
          [1, 2, 3, 2],
          [2, 2, 1, 1],
        ],
        attributes: { auto_pad: 'SAME_UPPER', dilations: [1, 1] },
      },
    ],
  },
  Dropout: {
    opset: 13,
    cases: [...unary, { shapes: [[2, 3]], outputs: 2 }, { shapes: [[3]], attributes: { seed: 7 } }],
  },
  Gelu: {
    opset: 20,
    differences: 'float32',
    cases: [
      ...unary,
      { shapes: [[2, 3]], attributes: { approximate: 'none' } },
      { shapes: [[2, 3]], attributes: { approximate: 'tanh' } },
    ],
  },
  GlobalAveragePool: {
    opset: 13,
    cases: [
      [2, 3, 4],
      [1, 2, 2, 3],
      [1, 2, 1, 2, 2],
    ].map((shape) => ({ shapes: [shape] })),
  },
  GroupNormalization: {
    opset: 21,
    sized: true,
    cases: [
      { shapes: [[2, 4, 3], [4], [4]], attributes: { num_groups: 2 } },
      {
        shapes: [[1, 4, 2, 2], [4], [4]],
        attributes: { num_groups: 4, epsilon: floatAttribute('epsilon', 0.25) },
      },
    ],
  },
  HardSwish: { opset: 14, cases: unary },
  InstanceNormalization: {
    opset: 13,
    cases: [
      { shapes: [[2, 3, 4], [3], [3]] },
      { shapes: [[1, 2, 2, 2], [2], [2]], attributes: { epsilon: floatAttribute('epsilon', 0.25) } },
    ],
  },
  LayerNormalization: {
    opset: 17,
    cases: [
      { shapes: [[4], [4], [4]] },
      { shapes: [[2, 4], [4]] },
      { shapes: [[2, 3, 2], [3, 2], [2]], attributes: { axis: 1, epsilon: floatAttribute('epsilon', 0.25) } },
      {
        shapes: [
          [2, 3],
          [2, 3],
        ],
        attributes: { axis: -2, stash_type: 1 },
      },
      { shapes: [[2, 3], [1], [3]] },
      { shapes: [[2, 4], [4], [4]], outputs: 3 },
    ],
  },
  Mish: { opset: 18, cases: unary },
  ReduceLogSum: {
    opset: 13,
    positive: [0],
    cases: [
      { shapes: [[2, 3]] },
      { shapes: [[2, 3]], attributes: { axes: [1], keepdims: 0 } },
      { shapes: [[2, 3, 2]], attributes: { axes: [-1, 0] } },
    ],
  },
};

const OPS = Object.keys(COMPOSITES) as CompositeOp[];

/** A file of the single node; with `named`, all its sizes have names. */
function fileOf(op: CompositeOp, { attributes, shapes, outputs = 1 }: CompositeCase, dtype: DataType, named = false) {
  const names = shapes.map((_, i) => `x${i}`);
  const given = ['y', 'y1', 'y2'].slice(0, outputs);
  return modelFile({
    opset: CASES[op].opset,
    nodes: [node(op, names, given, attributes, { name: 'layer' })],
    inputs: shapes.map((shape, i) => typed(names[i]!, dtype, named ? shape.map((_, axis) => `x${i}.${axis}`) : shape)),
    outputs: given.map((name, i) => typed(name, op === 'Dropout' && i === 1 ? 'bool' : dtype, null)),
  });
}

function feed(op: CompositeOp, { shapes }: CompositeCase, dtype: DataType): Record<string, Tensor> {
  const rng = createRng(`${op} ${shapes.join(' ')}`);
  const feeds: Record<string, Tensor> = {};
  shapes.forEach((shape, i) => {
    const values = drawFloats(dtype, elementCount(shape), rng);
    feeds[`x${i}`] = tensor(
      dtype,
      shape,
      CASES[op].positive?.includes(i) ? values.map((x) => Math.abs(x) + 0.25) : values,
    );
  });
  return feeds;
}

const titled = (item: CompositeCase): string =>
  [item.shapes.map((shape) => `[${shape}]`).join(' '), ...Object.keys(item.attributes ?? {})].join(' ');

describe.each(OPS)('%s', (op) => {
  const { cases, differences = 'float64' } = CASES[op];
  const sized = CASES[op].sized ? [false] : [false, true];

  it.each(cases.map((item) => [titled(item), item] as const))('is as ONNX Runtime computes it: %s', async (_, item) => {
    for (const named of sized) {
      const original = fileOf(op, item, 'float32', named);
      const graph = readModel(original);
      expect(graph.nodes.every(({ name }) => name.startsWith('layer/'))).toBe(true);
      const feeds = feed(op, item, 'float32');
      const [wanted, got] = [await runModel(original, feeds), await runModel(writeModel(graph), feeds)];
      expect(Object.keys(got)).toEqual(Object.keys(wanted));
      for (const [name, { dtype, shape }] of Object.entries(wanted)) {
        expect([name, got[name]!.dtype, got[name]!.shape]).toEqual([name, dtype, shape]);
        expectClose(numbersOf(got[name]!), numbersOf(wanted[name]!), 1e-6, name);
      }
    }
  });

  it.each(cases.filter(({ outputs }) => outputs === undefined).map((item) => [titled(item), item] as const))(
    'has the gradients that differences give: %s',
    async (_, item) => {
      for (const named of sized) {
        const graph = readModel(fileOf(op, item, differences, named));
        await checkGradients(graph, feed(op, item, differences));
      }
    },
  );
});

async function checkGradients(graph: Graph, feeds: Record<string, Tensor>): Promise<void> {
  const b = Builder.from(graph);
  const output = b.get('y');
  const orders = addOrders(
    b,
    graph.inputs.map((name) => b.get(name)),
    [output],
  );
  const everything = b.build('orders', []).nodes.flatMap((item) => item.outputs.map((name) => b.get(name)));
  const shape = (await runModel(writeModel(graph), feeds))['y']!.shape;
  const all = { ...feeds, ...feedsOf(orders, feeds, [shape], createRng('weights')) };
  const session = await openSession(b.build('orders', everything));
  try {
    await checkOrders(session, orders, all, await session.run(all));
  } finally {
    await session.close();
  }
}

describe('the reader', () => {
  const read = (nodes: readonly NodeProto[], more: FileModel = {}) =>
    readModel(
      modelFile({
        opset: 20,
        nodes,
        inputs: [typed('x', 'float32', ['n', 2])],
        outputs: [typed('y', 'float32', null)],
        ...more,
      }),
    );
  const vectors = (...names: string[]) => names.map((name) => initializer(name, tensor('float32', [2], [1, 2])));
  const norm = node('BatchNormalization', ['x', 's', 'b', 'm', 'v'], ['y'], {}, { name: 'bn' });

  it('names the nodes of a composite after it, with names that the file does not use', () => {
    const graph = read([
      node('Mish', ['x'], ['m'], {}, { name: 'act' }),
      node('Neg', ['m'], ['act/Tanh'], {}, { name: 'act/Softplus' }),
      node('Neg', ['act/Tanh'], ['y'], {}, { name: '' }),
    ]);
    expect(graph.nodes.map(({ name, outputs }) => `${name} -> ${outputs}`)).toEqual([
      'act/Softplus_1 -> act/Softplus_1',
      'act/Tanh_1 -> act/Tanh_1',
      'act/Mul -> m',
      'act/Softplus -> act/Tanh',
      'Neg -> y',
    ]);
  });

  it('does not treat the running statistics of BatchNormalization as parameters', () => {
    const graph = read([norm], { initializers: vectors('m', 's', 'v', 'b') });
    expect([...graph.initializers.keys()]).toEqual(['s', 'b']);
    expect([...graph.constants.keys()]).toEqual(expect.arrayContaining(['m', 'v']));
  });

  it('accepts a LayerNormalization whose bias is omitted by an empty name, on which ONNX Runtime crashes', () => {
    const graph = read([node('LayerNormalization', ['x', 's', ''], ['y'])], { initializers: vectors('s') });
    expect(graph.nodes.at(-1)).toMatchObject({ op: 'Mul', outputs: ['y'] });
  });

  it('accepts a Dropout whose training mode is false, as a constant or as an initializer', () => {
    const off = tensor('bool', [], [0]);
    const dropout = node('Dropout', ['x', '', 'mode'], ['y', ''], {}, { name: 'd' });
    for (const graph of [
      read([node('Constant', [], ['mode'], { value: off }), dropout]),
      read([dropout], { initializers: [initializer('mode', off)] }),
    ])
      expect(graph.nodes.map(({ op }) => op)).toEqual(['Identity']);
  });

  it.each<[sentence: string, item: NodeProto, more: FileModel]>([
    [
      'Dropout node "d": the node is in training mode: export the model in evaluation mode (in Python model.eval()). F.dropout needs ' +
        'training=self.training',
      node('Dropout', ['x', '', 'mode'], ['y'], {}, { name: 'd' }),
      { initializers: [initializer('mode', tensor('bool', [], [1]))] },
    ],
    [
      'Dropout node "d": the training mode "mode" is only known at run time: export the model in evaluation mode ' +
        '(in Python model.eval()). F.dropout needs training=self.training',
      node('Dropout', ['x', '', 'mode'], ['y'], {}, { name: 'd' }),
      { inputs: [typed('x', 'float32', [2]), typed('mode', 'bool', [])] },
    ],
    [
      'BatchNormalization node "bn": the node is in training mode: export the model in evaluation mode (in Python ' +
        'model.eval())',
      node('BatchNormalization', ['x', 's', 'b', 'm', 'v'], ['y'], { training_mode: 1 }, { name: 'bn' }),
      { initializers: vectors('s', 'b', 'm', 'v') },
    ],
    [
      'BatchNormalization node "bn": the node is in training mode: export the model in evaluation mode (in Python ' +
        'model.eval())',
      node('BatchNormalization', ['x', 's', 'b', 'm', 'v'], ['y', 'mean', 'var'], {}, { name: 'bn' }),
      { opset: 13, initializers: vectors('s', 'b', 'm', 'v') },
    ],
    [
      'BatchNormalization node "bn": "s" has shape [2], not [3]',
      norm,
      { inputs: [typed('x', 'float32', ['n', 3])], initializers: vectors('s', 'b', 'm', 'v') },
    ],
    [
      'BatchNormalization node "bn" has 2 inputs, not 5',
      node('BatchNormalization', ['x', 'x'], ['y'], {}, { name: 'bn' }),
      {},
    ],
    [
      'LayerNormalization node "ln": "s" of shape [2] does not broadcast to [n, 1]',
      node('LayerNormalization', ['x', 's'], ['y'], {}, { name: 'ln' }),
      { inputs: [typed('x', 'float32', ['n', 1])], initializers: vectors('s') },
    ],
    [
      'LayerNormalization node "ln": stash_type is 11, but only 1 (float32) is supported',
      node('LayerNormalization', ['x', 's'], ['y'], { stash_type: 11 }, { name: 'ln' }),
      { initializers: vectors('s') },
    ],
    [
      'LayerNormalization node "ln": the mean would be float32, but "x" is float64',
      node('LayerNormalization', ['x', 'x'], ['y', 'mean'], {}, { name: 'ln' }),
      { inputs: [typed('x', 'float64', [2, 2])], outputs: [typed('y', 'float64', null)] },
    ],
    [
      'InstanceNormalization node "in": "x" has rank 2, but at least 3 is needed',
      node('InstanceNormalization', ['x', 's', 's'], ['y'], {}, { name: 'in' }),
      { initializers: vectors('s') },
    ],
    ['Mish node "m" has 2 outputs, not 1', node('Mish', ['x'], ['y', 'z'], {}, { name: 'm' }), {}],
    [
      'Gelu node "g": approximate must be none or tanh, not "quick"',
      node('Gelu', ['x'], ['y'], { approximate: 'quick' }, { name: 'g' }),
      {},
    ],
  ])('refuses: %s', (sentence, item, more) => {
    expect(() => read([item], more)).toThrow(new GraphError(sentence));
  });
});
