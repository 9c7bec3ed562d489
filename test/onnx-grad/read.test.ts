import { readFileSync } from 'node:fs';
import { create } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import type { Graph } from '../../packages/onnx-grad/src/graph/ir.ts';
import { type DataType, numbersOf, tensor } from '../../packages/onnx-grad/src/graph/tensor.ts';
import {
  AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  TensorProto_DataType as Code,
} from '../../packages/onnx-grad/src/onnx/generated/onnx_pb.ts';
import { readModel } from '../../packages/onnx-grad/src/onnx/read.ts';
import { attributeProto, type FileModel, modelFile, node, raw, refusal, typed } from './onnx-file.ts';

const GOLDEN = new URL('../golden/torch-export-opset17/', import.meta.url);
const EXPORT = readFileSync(new URL('model.onnx', GOLDEN));

/** A model that reads: y = x w. */
const GOOD = {
  nodes: [node('MatMul', ['x', 'w'], ['y'], {}, { name: 'product' })],
  inputs: [typed('x', 'float32', ['batch', 2])],
  outputs: [typed('y', 'float32', ['batch', 1])],
  initializers: [raw({ name: 'w', dims: [2n, 1n], dataType: Code.FLOAT, floatData: [3, 4] })],
} satisfies FileModel;

function read(model: FileModel): Graph {
  return readModel(modelFile(model));
}

describe('readModel', () => {
  it('reads a PyTorch export with every value typed', () => {
    const graph = readModel(EXPORT);
    expect(graph.inputs).toContain('user.interest.length');
    expect(graph.initializers.size).toBe(37);
    expect(graph.constants.get('/Constant_9_output_0')).toEqual(tensor('float32', [], [0]));
    expect(graph.nodes).toHaveLength(109);
    expect(graph.values.get('/Concat_output_0')?.shape).toEqual(['batch', 5, 6]);
    expect(graph.values.get('score')).toEqual({ name: 'score', dtype: 'float32', shape: ['batch'] });
  });

  it('keeps names of values and nodes, and derives missing ones from the op', () => {
    const graph = read({
      nodes: [
        node('Relu', ['x'], ['a']),
        node('Relu', ['a'], ['b'], {}, { name: 'Relu' }),
        node('Relu', ['b'], ['c']),
        node('Neg', ['c'], ['d'], {}, { name: 'twice' }),
        node('Neg', ['d'], ['y'], {}, { name: 'twice' }),
      ],
      inputs: [typed('x', 'float32', [2])],
      outputs: [typed('y', 'float32', [2])],
    });
    expect(graph.nodes.map((item) => `${item.name}: ${item.outputs}`)).toEqual([
      'Relu_1: a',
      'Relu: b',
      'Relu_2: c',
      'twice: d',
      'twice_1: y',
    ]);
  });

  it('sorts nodes that are out of order, and keeps the order of sorted ones', () => {
    const names = ['d', 'b', 'c', 'a'];
    const producer: Record<string, string> = { a: 'x', b: 'a', c: 'x', d: 'b' };
    const nodes = names.map((name) => node('Neg', [producer[name]!], [name], {}, { name }));
    const ends = { inputs: [typed('x', 'float32', [])], outputs: [typed('d', 'float32', [])] };
    expect(read({ nodes, ...ends }).nodes.map(({ name }) => name)).toEqual(['a', 'b', 'd', 'c']);
    const sorted = [nodes[3]!, nodes[2]!, nodes[1]!, nodes[0]!];
    expect(read({ nodes: sorted, ...ends }).nodes.map(({ name }) => name)).toEqual(['a', 'c', 'b', 'd']);
  });

  it('sorts a backward chain that is longer than the call stack', () => {
    const length = 20_000;
    const nodes = Array.from({ length }, (_, i) => node('Neg', [i === length - 1 ? 'x' : `v${i + 1}`], [`v${i}`]));
    const graph = read({ nodes, inputs: [typed('x', 'float32', [])], outputs: [typed('v0', 'float32', [])] });
    expect(graph.nodes.at(-1)?.outputs).toEqual(['v0']);
  });

  it('reads an input that is also an initializer as a parameter', () => {
    const graph = read({ ...GOOD, inputs: [...GOOD.inputs, typed('w', 'float32', [2, 1])] });
    expect(graph.inputs).toEqual(['x']);
    expect([...graph.initializers.keys()]).toEqual(['w']);
  });

  it('names unknown sizes, avoiding the names that the file uses', () => {
    const inputs = [typed('x', 'float32', [null, 'd0', null]), typed('z', 'float32', ['d2', 'd0', 7])];
    const graph = read({ nodes: [node('Neg', ['x'], ['y'])], inputs, outputs: [typed('y', 'float32', null)] });
    expect(graph.values.get('x')?.shape).toEqual(['d1', 'd0', 'd3']);
    expect(graph.values.get('z')?.shape).toEqual(['d2', 'd0', 7]);
  });

  it('names inferred sizes as the file declares, but never merges two sizes', () => {
    const names = (declared: readonly (string | null)[]) => {
      const graph = read({
        nodes: [node('NonZero', ['x'], ['a']), node('NonZero', ['a'], ['b'])],
        inputs: [typed('x', 'float32', ['batch'])],
        outputs: [typed('a', 'int64', [1, declared[0]!]), typed('b', 'int64', [2, declared[1]!])],
      });
      return graph.outputs.map((name) => graph.values.get(name)!.shape[1]);
    };
    expect(names([null, null])).toEqual(['d0', 'd1']);
    expect(names(['hits', 'rest'])).toEqual(['hits', 'rest']);
    expect(names(['d1', 'd0'])).toEqual(['d1', 'd0']);
    expect(names(['hits', 'hits'])).toEqual(['hits', 'd1']);
    expect(names(['d1', 'd1'])).toEqual(['d1', 'd2']);
    expect(names(['batch', null])).toEqual(['d0', 'd1']);
  });

  it('reads every form of a Constant node', () => {
    const floats = create(AttributeProtoSchema, { name: 'value_floats', type: AttributeType.FLOATS, floats: [0.5, 2] });
    const float = create(AttributeProtoSchema, { name: 'value_float', type: AttributeType.FLOAT, f: 0.25 });
    const graph = read({
      nodes: [
        node('Constant', [], ['a'], { value: tensor('float64', [1, 2], [1, 2]) }),
        node('Constant', [], ['b'], { value_int: -3 }),
        node('Constant', [], ['c'], { value_ints: [4, 5] }),
        node('Constant', [], ['d'], { value_float: float }),
        node('Constant', [], ['e'], { value_floats: floats }),
      ],
      outputs: ['a', 'b', 'c', 'd', 'e'].map((name) =>
        typed(name, name === 'a' ? 'float64' : name < 'd' ? 'int64' : 'float32', null),
      ),
    });
    expect(graph.nodes).toEqual([]);
    expect(Object.fromEntries(graph.constants)).toEqual({
      a: tensor('float64', [1, 2], [1, 2]),
      b: tensor('int64', [], [-3]),
      c: tensor('int64', [2], [4, 5]),
      d: tensor('float32', [], [0.25]),
      e: tensor('float32', [2], [0.5, 2]),
    });
  });

  it.each<[DataType, number[], object]>([
    ['float32', [1.5, -2], { floatData: [1.5, -2] }],
    ['float64', [1.5, -2], { doubleData: [1.5, -2] }],
    ['int64', [9, -2], { int64Data: [9n, -2n] }],
    ['int32', [9, -2], { int32Data: [9, -2] }],
    ['bool', [0, 1], { int32Data: [0, 1] }],
    ['bool', [0, 1], { rawData: Uint8Array.of(0, 255) }],
  ])('reads %s %j held as %o', (dtype, values, fields) => {
    const codes = { float32: 1, float64: 11, int64: 7, int32: 6, bool: 9 };
    const graph = read({
      initializers: [raw({ name: 'w', dims: [2n], dataType: codes[dtype], ...fields })],
      outputs: [typed('w', dtype, [2])],
    });
    expect(graph.initializers.get('w')).toEqual(tensor(dtype, [2], values));
  });

  it('reads raw data that is not aligned', async () => {
    const w = raw({
      name: 'w',
      dims: [2n, 1n],
      dataType: Code.FLOAT,
      rawData: new Uint8Array(new Float32Array([3, 4]).buffer),
    });
    const bytes = modelFile({ ...GOOD, initializers: [w] });
    for (let offset = 0; offset < 8; offset++) {
      const moved = Buffer.alloc(bytes.length + offset);
      moved.set(bytes, offset);
      expect(numbersOf(readModel(moved.subarray(offset)).initializers.get('w')!)).toEqual([3, 4]);
    }
  });

  it('ignores domains that no node uses', () => {
    const opsetImport = [
      { domain: 'com.microsoft', version: 1n },
      { domain: 'ai.onnx', version: 18n },
    ];
    expect(read({ ...GOOD, model: { opsetImport } }).nodes).toHaveLength(1);
  });
});

const external = raw({
  name: 'w',
  dims: [2n, 1n],
  dataType: Code.FLOAT,
  dataLocation: 1,
  externalData: [{ key: 'location', value: 'weights.bin' }],
});
const x = typed('x', 'float32', ['batch', 2]);
const y = typed('y', 'float32', null);
const w = (fields: object) => ({
  ...GOOD,
  initializers: [raw({ name: 'w', dims: [2n, 1n], dataType: Code.FLOAT, ...fields })],
});
const one = (item: ReturnType<typeof node>) => ({ inputs: [x], outputs: [y], nodes: [item] });

const REFUSED: readonly (readonly [what: string, sentence: string, model: FileModel])[] = [
  [
    'a model without a graph',
    'the file contains no graph: it is not an ONNX model',
    { model: { graph: undefined } } as never,
  ],
  [
    'an opset before 13',
    'the model uses opset 12: 13 to 21 are supported (export with opset_version=18)',
    { ...GOOD, opset: 12 },
  ],
  ['no opset', 'the model does not declare its opset', { ...GOOD, model: { opsetImport: [] } }],
  [
    'two opsets',
    'the model names 2 opsets: 17, 18',
    { ...GOOD, model: { opsetImport: [{ version: 17n }, { domain: 'ai.onnx', version: 18n }] } },
  ],
  ['an old IR version', 'the file has IR version 2; 3 to 13 are supported', { ...GOOD, model: { irVersion: 2n } }],
  [
    'a node of another domain',
    `Gelu node "act" belongs to the domain "com.microsoft", but only ONNX's own ops are supported: export the model without this op`,
    one(node('Gelu', ['x'], ['y'], {}, { name: 'act', domain: 'com.microsoft' })),
  ],
  [
    'a loop',
    'Loop node "steps" is control flow, which is not supported: unroll it (in Python a for loop over a fixed ' +
      'range, traced with torch.onnx.export and not scripted), or write it as one operation over an axis',
    one(node('Loop', ['x'], ['y'], {}, { name: 'steps' })),
  ],
  [
    'another subgraph',
    'SequenceMap node "map" contains a subgraph (attribute "body"), which is not supported: export the model ' +
      'without control flow, with Where instead of a condition and loops unrolled',
    one(
      node(
        'SequenceMap',
        ['x'],
        ['y'],
        { body: create(AttributeProtoSchema, { name: 'body', type: AttributeType.GRAPH, g: {} }) },
        { name: 'map' },
      ),
    ),
  ],
  [
    'an unknown op',
    'LSTM node "memory": the op LSTM is not supported',
    one(node('LSTM', ['x'], ['y'], {}, { name: 'memory' })),
  ],
  [
    'an unknown attribute',
    'Softmax node "s" has the attribute "temperature", which is not supported',
    one(node('Softmax', ['x'], ['y'], { temperature: 2 }, { name: 's' })),
  ],
  [
    'an attribute of the wrong type',
    'attribute "axis" of Softmax node "s" is INTS, not INT',
    one(node('Softmax', ['x'], ['y'], { axis: [1] }, { name: 's' })),
  ],
  [
    'a missing attribute',
    'Concat node "c" lacks the attribute "axis"',
    one(node('Concat', ['x'], ['y'], {}, { name: 'c' })),
  ],
  [
    'an attribute beyond 2^53',
    'attribute "axis" of Softmax node "s" is 9223372036854775807, which is beyond 2^53',
    one(
      node(
        'Softmax',
        ['x'],
        ['y'],
        { axis: create(AttributeProtoSchema, { name: 'axis', type: AttributeType.INT, i: 2n ** 63n - 1n }) },
        { name: 's' },
      ),
    ),
  ],
  [
    'an attribute that is there twice',
    'Softmax node "s" repeats an attribute',
    one(
      node(
        'Softmax',
        ['x'],
        ['y'],
        {},
        { name: 's', attribute: [attributeProto('axis', 0), attributeProto('axis', 1)] },
      ),
    ),
  ],
  [
    'a fill of two elements',
    'attribute "value" of ConstantOfShape node "f" has 2 elements, not 1',
    one(node('ConstantOfShape', ['x'], ['y'], { value: tensor('int64', [2], [1, 2]) }, { name: 'f' })),
  ],
  [
    'a Constant of text',
    'Constant "y" has the attribute "value_string", which is not supported; only numbers are supported',
    one(node('Constant', [], ['y'], { value_string: 'a' })),
  ],
  [
    'a Constant without a value',
    'Constant node with output "y" has 0 attributes, but needs exactly one',
    one(node('Constant', [], ['y'])),
  ],
  [
    'a node without an output',
    'Relu node "r" has no output with a name',
    one(node('Relu', ['x'], [], {}, { name: 'r' })),
  ],
  [
    'a node with an output too many',
    'Relu node "r" has 2 outputs, not 1',
    one(node('Relu', ['x'], ['y', 'z'], {}, { name: 'r' })),
  ],
  [
    'a value of two nodes',
    'two values are called "y": Relu node "r" and Neg node "n"',
    {
      ...one(node('Relu', ['x'], ['y'], {}, { name: 'r' })),
      nodes: [node('Relu', ['x'], ['y'], {}, { name: 'r' }), node('Neg', ['x'], ['y'], {}, { name: 'n' })],
    },
  ],
  ['two inputs of one name', 'two inputs are called "x"', { ...GOOD, inputs: [x, x] }],
  ['two outputs of one name', 'two outputs are called "y"', { ...GOOD, outputs: [y, y] }],
  ['no output', 'the graph has no output', { ...GOOD, outputs: [] }],
  [
    'an initializer without a name',
    'initializer "" has no name',
    { ...GOOD, initializers: [...GOOD.initializers, raw({ dataType: Code.FLOAT, floatData: [1] })] },
  ],
  [
    'an input that nothing gives',
    'Relu node "r" needs "nowhere", which nothing produces',
    one(node('Relu', ['nowhere'], ['y'], {}, { name: 'r' })),
  ],
  [
    'a node that needs itself',
    'Relu node "r" needs its own output',
    one(node('Relu', ['y'], ['y'], {}, { name: 'r' })),
  ],
  [
    'a cycle',
    'the nodes form a cycle: Relu node "a" needs Neg node "b" needs Relu node "a"',
    {
      ...one(node('Relu', ['y'], ['z'])),
      nodes: [node('Relu', ['y'], ['z'], {}, { name: 'a' }), node('Neg', ['z'], ['y'], {}, { name: 'b' })],
    },
  ],
  ['a type that does not fit', '(x: float32[batch, 2], w: float32[3, 1])', w({ dims: [3n, 1n], floatData: [1, 2, 3] })],
  [
    'an output of another size',
    'output "y" is declared as float32[?, 2], but is float32[batch, 1]',
    { ...GOOD, outputs: [typed('y', 'float32', [null, 2])] },
  ],
  [
    'an initializer unlike its input',
    'input "w" is declared as float32[3, 1], but is float32[2, 1]',
    { ...GOOD, inputs: [x, typed('w', 'float32', [3, 1])] },
  ],
  ['an input without a type', 'input "x" is declared without a type', { ...GOOD, graph: { input: [{ name: 'x' }] } }],
  [
    'an input that is no tensor',
    'input "x" is a sequence, but only tensors are supported',
    { ...GOOD, graph: { input: [{ name: 'x', type: { value: { case: 'sequenceType', value: {} } } }] } },
  ],
  [
    'an input of a negative size',
    'input "x" has the negative size -1 in its shape',
    { ...GOOD, inputs: [typed('x', 'float32', [-1, 2])] },
  ],
  [
    'external data',
    'initializer "w" keeps its data in another file (external data), which is not read: save the model with its ' +
      'data inside, in Python onnx.save_model(model, path, save_as_external_data=False)',
    { ...GOOD, initializers: [external] },
  ],
  [
    'a sparse initializer',
    'initializer "w" is sparse, which is not supported: make it dense before the export',
    { ...GOOD, graph: { sparseInitializer: [{ values: { name: 'w' } }] } },
  ],
  [
    'a segment',
    'initializer "w" is split into segments, which are not supported',
    w({ segment: { begin: 0n, end: 1n }, floatData: [3, 4] }),
  ],
  [
    'too few bytes',
    'initializer "w" is float32[2, 1] and needs 8 bytes, but the file has 7',
    w({ rawData: new Uint8Array(7) }),
  ],
  [
    'too many elements',
    'initializer "w" is float32[2, 1] and needs 2 elements, but the file has 3',
    w({ floatData: [1, 2, 3] }),
  ],
  [
    'data of an empty tensor',
    'initializer "w" is float32[0, 1] and needs 0 elements, but the file has 4 bytes',
    w({ dims: [0n, 1n], rawData: new Uint8Array(4) }),
  ],
  [
    'data that is there twice',
    'initializer "w" has both raw and typed data',
    w({ rawData: new Uint8Array(8), floatData: [3, 4] }),
  ],
  [
    'a negative size',
    'initializer "w" has the negative size -2 in its shape [-2, -1]',
    w({ dims: [-2n, -1n], floatData: [3, 4] }),
  ],
  [
    'an impossible size',
    'initializer "w" has the impossible shape [0, 9007199254740992]',
    w({ dims: [0n, 2n ** 53n] }),
  ],
  ['a tensor without a type', 'initializer "w" has no data type', w({ dataType: 0 })],
  ['a tensor of no known type', 'initializer "w" has type 99, which ONNX does not define', w({ dataType: 99 })],
  [
    'float16',
    'initializer "w" is float16, which is not supported: cast it to float32 (in PyTorch: model.float()) before ' +
      'the export',
    w({ dataType: Code.FLOAT16 }),
  ],
  [
    'uint8',
    'initializer "w" is uint8, which is not supported: if the model is quantised, import the float model; otherwise ' +
      'cast this to int32 or int64 before the export',
    w({ dataType: Code.UINT8 }),
  ],
];

describe('readModel refuses', () => {
  it.each(REFUSED)('%s: %s', (_what, sentence, model) => {
    expect(refusal(() => read(model))).toContain(sentence);
  });

  it('an empty file', () => {
    expect(refusal(() => readModel(new Uint8Array(0)))).toBe('the file is empty: it is not an ONNX model');
  });

  it('a truncated file, wherever it ends', () => {
    const bytes = modelFile(GOOD);
    expect(readModel(bytes).nodes).toHaveLength(1);
    for (let length = 0; length < bytes.length; length++) refusal(() => readModel(bytes.subarray(0, length)));
    expect(refusal(() => readModel(EXPORT.subarray(0, 20_000)))).toMatch(
      /^the file is truncated, or is not an ONNX model: /,
    );
  });

  it('a claim of gigabytes, before allocating any memory', () => {
    for (const fields of [{ rawData: new Uint8Array(12) }, { floatData: [1, 2, 3] }, {}]) {
      const bytes = modelFile(w({ dims: [1_000_000n, 1000n], ...fields }));
      expect(bytes.length).toBeLessThan(200);
      const before = process.memoryUsage().arrayBuffers;
      expect(refusal(() => readModel(bytes))).toMatch(/^initializer "w" is float32\[1000000, 1000\] and needs \d+ /);
      expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1e7);
    }
  });
});
