import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { printGraph } from '../../packages/onnx-grad/src/graph/print.ts';
import { tensor } from '../../packages/onnx-grad/src/graph/tensor.ts';
import {
  type AttributeProto,
  AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  TensorProto_DataType as Code,
  type FunctionProtoSchema,
} from '../../packages/onnx-grad/src/onnx/generated/onnx_pb.ts';
import { readModel } from '../../packages/onnx-grad/src/onnx/read.ts';
import { writeModel } from '../../packages/onnx-grad/src/onnx/write.ts';
import { attributeProto, type FileModel, modelFile, node, raw, refusal, runModel, typed } from './onnx-file.ts';

type FunctionInit = MessageInitShape<typeof FunctionProtoSchema>;

/** An attribute that refers to one of the function's. */
function reference(name: string, to: string, type: AttributeType): AttributeProto {
  return create(AttributeProtoSchema, { name, refAttrName: to, type });
}

const IMPORTS = [
  { domain: '', version: 18n },
  { domain: 'pkg.layers', version: 1n },
];

/** `layers` of the domain "pkg.layers" and a graph of `nodes` from x to y. */
function fileOf(functions: readonly FunctionInit[], nodes: FileModel['nodes'], rest: FileModel = {}): Uint8Array {
  return modelFile({
    nodes: nodes ?? [],
    inputs: [typed('x', 'float32', ['batch', 3])],
    outputs: [typed('y', 'float32', ['batch', 3])],
    initializers: [raw({ name: 'w', dims: [3n, 3n], dataType: Code.FLOAT, floatData: [1, 2, 3, 4, 5, 6, 7, 8, 9] })],
    ...rest,
    model: {
      opsetImport: IMPORTS,
      functions: functions.map((item) => ({ domain: 'pkg.layers', opsetImport: IMPORTS, ...item })) as never,
    },
  });
}

const call = (name: string, input: string[], output: string[], attributes = {}, rest = {}) =>
  node(name, input, output, attributes, { domain: 'pkg.layers', ...rest });

/** y = leaky-free layer: Relu(x w), softmax along an axis that the call names. */
const LAYER: FunctionInit = {
  name: 'Layer',
  input: ['data', 'weight'],
  output: ['result'],
  attribute: ['axis'],
  node: [
    node('MatMul', ['data', 'weight'], ['product'], {}, { name: 'product' }),
    node('Softmax', ['product'], ['result'], { axis: reference('axis', 'axis', AttributeType.INT) }),
  ],
};

describe('a model with functions of its own', () => {
  it('is read with their nodes instead of the calls, named after them', () => {
    const bytes = fileOf(
      [LAYER],
      [call('Layer', ['x', 'w'], ['h'], { axis: 0 }, { name: 'first' }), call('Layer', ['h', 'w'], ['y'], { axis: 1 })],
    );
    expect(printGraph(readModel(bytes))).toMatchInlineSnapshot(`
      "graph main
      inputs
        x: float32[batch, 3]
      parameters
        w: float32[3, 3]
      nodes
        first/product: float32[batch, 3] = MatMul(x, w)
        h: float32[batch, 3] = Softmax(first/product, axis=0)
        Layer/product: float32[batch, 3] = MatMul(h, w)
        y: float32[batch, 3] = Softmax(Layer/product, axis=1)
      outputs
        y: float32[batch, 3]"
    `);
  });

  it('computes the same as ONNX Runtime, through nested functions, defaults and omitted inputs', async () => {
    const bounded: FunctionInit = {
      name: 'Bounded',
      input: ['a', 'low'],
      output: ['r', 'same', 'again'],
      attributeProto: [create(AttributeProtoSchema, { name: 'high', type: AttributeType.FLOAT, f: 1.5 })],
      node: [
        node('Constant', [], ['top'], { value_float: reference('value_float', 'high', AttributeType.FLOAT) }),
        node('Clip', ['a', 'low', 'top'], ['r']),
        node('Identity', ['r'], ['again']),
        node('Identity', ['a'], ['same']),
      ],
    };
    const outer: FunctionInit = {
      name: 'Outer',
      input: ['a', 'w'],
      output: ['r'],
      attribute: ['high', 'axis'],
      node: [
        node('Constant', [], ['nothing'], {
          value_float: create(AttributeProtoSchema, { name: 'value_float', type: AttributeType.FLOAT, f: -0.5 }),
        }),
        call('Bounded', ['a', ''], ['first', 'unused', 'unused too'], {
          high: reference('high', 'high', AttributeType.FLOAT),
        }),
        call('Bounded', ['first', 'nothing'], ['other', 'second', 'last']),
        call('Layer', ['second', 'w'], ['third'], { axis: reference('axis', 'axis', AttributeType.INT) }),
        node('Add', ['third', 'first'], ['r']),
      ],
    };
    const high = create(AttributeProtoSchema, { name: 'high', type: AttributeType.FLOAT, f: 0.25 });
    const bytes = fileOf(
      [outer, bounded, LAYER],
      [
        call('Outer', ['x', 'w'], ['a'], { high, axis: 1 }, { name: 'n' }),
        call('Outer', ['a', 'w'], ['b'], { axis: 0 }, { name: 'm' }),
        node('Sub', ['a', 'b'], ['y']),
      ],
    );
    const feeds = { x: tensor('float32', [2, 3], [0.1, 0.2, 0.3, -2, 4, 0.125]) };
    const graph = readModel(bytes);
    expect(await runModel(writeModel(graph), feeds)).toEqual(await runModel(bytes, feeds));
    expect(graph.nodes.map(({ name }) => name)).toContain('n/Bounded/Clip');
    expect(graph.nodes.map(({ name }) => name)).toContain('n/Bounded/Clip_1');
  });

  it('may declare its own opset in a function', async () => {
    const mean: FunctionInit = {
      name: 'Centre',
      input: ['a'],
      output: ['r'],
      opsetImport: [{ domain: '', version: 17n }],
      node: [node('ReduceMean', ['a'], ['m'], { axes: [-1] }), node('Sub', ['a', 'm'], ['r'])],
    };
    const graph = readModel(
      fileOf(
        [mean],
        [call('Centre', ['x'], ['h']), node('ReduceMean', ['h'], ['m2']), node('Add', ['h', 'm2'], ['y'])],
      ),
    );
    expect(graph.nodes.find(({ op }) => op === 'ReduceMean')?.inputs).toEqual(['x', 'ints_-1']);
    expect(graph.nodes.filter(({ op }) => op === 'ReduceMean')[1]?.inputs).toEqual(['h']);
  });

  it('creates names for the outputs that a call omits', () => {
    const both: FunctionInit = {
      name: 'Both',
      input: ['a', 'b', 'c'],
      output: ['r', 's', 't'],
      node: [node('Neg', ['a'], ['r']), node('Clip', ['a', 'b', 'c'], ['s']), node('Relu', ['r'], ['t'])],
    };
    const graph = readModel(fileOf([both], [call('Both', ['x'], ['', 'y'], {}, { name: 'n' })]));
    expect(graph.nodes.map(({ inputs, outputs }) => `${inputs} -> ${outputs}`)).toEqual([
      'x -> n/r',
      'x,, -> y',
      'n/r -> n/t',
    ]);
  });

  it('distinguishes functions of the same name by their overload', () => {
    const of = (overload: string, op: string): FunctionInit => ({
      name: 'Act',
      overload,
      input: ['a'],
      output: ['r'],
      node: [node(op, ['a'], ['r'])],
    });
    const bytes = fileOf(
      [of('', 'Relu'), of('smooth', 'Sigmoid')],
      [call('Act', ['x'], ['h'], {}, { overload: 'smooth' }), call('Act', ['h'], ['y'])],
    );
    expect(readModel(bytes).nodes.map(({ op }) => op)).toEqual(['Sigmoid', 'Relu']);
  });

  it('returns an output that is an input, and avoids names that the file uses', () => {
    const pass: FunctionInit = { name: 'Pass', input: ['a'], output: ['a', 'b'], node: [node('Neg', ['a'], ['b'])] };
    const graph = readModel(
      fileOf(
        [pass, { ...LAYER, name: 'Unused', node: [node('LSTM', [], ['result'])] }],
        [
          call('Pass', ['x'], ['p'], {}, { name: 'q' }),
          node('Neg', ['p'], ['q/b'], {}, { name: 'taken' }),
          node('Neg', ['q/b'], ['y']),
        ],
      ),
    );
    expect(graph.nodes.map(({ op, outputs }) => `${op} ${outputs}`)).toEqual([
      'Neg q/b_1',
      'Identity p',
      'Neg q/b',
      'Neg y',
    ]);
  });

  const selfish: FunctionInit = { name: 'Self', input: ['a'], output: ['r'], node: [call('Other', ['a'], ['r'])] };
  const other: FunctionInit = { name: 'Other', input: ['a'], output: ['r'], node: [call('Self', ['a'], ['r'])] };
  /** F0 calls F1 twice, F1 calls F2 twice, .. */
  const doubling = (count: number): FunctionInit[] =>
    Array.from({ length: count }, (_, i) => ({
      name: `F${i}`,
      input: ['a'],
      output: ['r'],
      node:
        i === count - 1
          ? [node('Neg', ['a'], ['r'])]
          : [call(`F${i + 1}`, ['a'], ['h']), call(`F${i + 1}`, ['h'], ['r'])],
    }));
  const chain = doubling(70).map(
    (item): FunctionInit => ({ name: item.name!, input: ['a'], output: ['r'], node: [item.node![0]!] }),
  );

  it.each<readonly [string, string, Uint8Array]>([
    [
      'a function that calls itself',
      'a function of the model calls itself: pkg.layers.Self -> pkg.layers.Other -> pkg.layers.Self',
      fileOf([selfish, other], [call('Self', ['x'], ['y'])]),
    ],
    [
      'functions that stand for too many nodes',
      'the functions of the model expand to more than 100000 nodes',
      fileOf(doubling(40), [call('F0', ['x'], ['y'])]),
    ],
    [
      'functions that call each other too deep',
      'function calls in the model are nested more than 64 deep',
      fileOf(chain, [call('F0', ['x'], ['y'])]),
    ],
    [
      'two functions of one name',
      'two functions of the model are called "pkg.layers.Layer"',
      fileOf([LAYER, LAYER], [call('Layer', ['x', 'w'], ['y'])]),
    ],
    [
      'an input too many',
      'Layer node "l" has 3 inputs, but its function takes 2',
      fileOf([LAYER], [call('Layer', ['x', 'w', 'w'], ['y'], {}, { name: 'l' })]),
    ],
    [
      'an attribute that the function does not take',
      'Layer node with output "y" has the attribute "alpha", which its function does not take',
      fileOf([LAYER], [call('Layer', ['x', 'w'], ['y'], { alpha: attributeProto('alpha', 1) })]),
    ],
  ])('is refused for %s', (_what, sentence, bytes) => {
    expect(refusal(() => readModel(bytes))).toBe(sentence);
  });
});
