import { readFileSync } from 'node:fs';
import { fromBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GraphError } from '../../packages/onnx-grad/src/errors.ts';
import { binaryCrossEntropy } from '../../packages/onnx-grad/src/graph/binary-cross-entropy.ts';
import { Builder } from '../../packages/onnx-grad/src/graph/builder.ts';
import { differentiate } from '../../packages/onnx-grad/src/graph/differentiate.ts';
import type { Graph } from '../../packages/onnx-grad/src/graph/ir.ts';
import { prune } from '../../packages/onnx-grad/src/graph/prune.ts';
import { numbersOf, type Tensor, tensor } from '../../packages/onnx-grad/src/graph/tensor.ts';
import { ModelProtoSchema } from '../../packages/onnx-grad/src/onnx/generated/onnx_pb.ts';
import { readModel } from '../../packages/onnx-grad/src/onnx/read.ts';
import { writeModel } from '../../packages/onnx-grad/src/onnx/write.ts';
import { size } from '../fixture/size.ts';
import { openSession, runModel } from './onnx-file.ts';
import { bitsOf, randomGraph, randomTensor } from './random-graph.ts';

const GOLDEN = new URL('../golden/torch-export-opset17/', import.meta.url);
const EXPORT = readFileSync(new URL('model.onnx', GOLDEN));

interface Expected {
  readonly forward: { readonly inputs: Readonly<Record<string, Nested>>; readonly scores: readonly number[] };
}
type Nested = readonly (number | Nested)[];

/** y = relu(x w) of [batch, 2]. */
function smallGraph(): Graph {
  const b = new Builder();
  const x = b.input('x', 'float32', ['batch', 2]);
  const w = b.initializer('w', tensor('float32', [2, 1], [3, 4]));
  const y = b.add('Relu', [b.add('MatMul', [x, w], {}, { name: 'product' })], {}, { outputs: ['y'] });
  return b.build('small', [b.add('Squeeze', [y, b.ints([1])], {}, { outputs: ['score'] })]);
}

function ids(values: Nested): Tensor {
  const shape = [values.length];
  if (Array.isArray(values[0])) shape.push(values[0].length);
  return tensor('int64', shape, values.flat() as number[]);
}

describe('writeModel', () => {
  it('writes a PyTorch export that reads back equal and scores like PyTorch', async () => {
    const expected = JSON.parse(readFileSync(new URL('expected.json', GOLDEN), 'utf8')) as Expected;
    const feeds = Object.fromEntries(
      Object.entries(expected.forward.inputs).map(([name, values]) => [name, ids(values)]),
    );
    const graph = readModel(EXPORT);
    const bytes = writeModel(graph);
    expect(readModel(bytes)).toStrictEqual(graph);
    const { score } = await runModel(bytes, feeds);
    expect(score!.shape).toEqual([expected.forward.scores.length]);
    numbersOf(score!).forEach((value, i) => {
      expect(Math.abs(value - expected.forward.scores[i]!)).toBeLessThan(1e-6);
    });
  });

  it('declares opset 18, the producer and the metadata, sorted', () => {
    const bytes = writeModel(smallGraph(), { producer: 'someone', metadata: { b: '2', a: '1', é: '' } });
    const model = fromBinary(ModelProtoSchema, bytes);
    expect(model.opsetImport.map(({ domain, version }) => [domain, version])).toEqual([['', 18n]]);
    expect([model.irVersion, model.producerName]).toEqual([8n, 'someone']);
    expect(model.metadataProps.map(({ key, value }) => `${key}=${value}`)).toEqual(['a=1', 'b=2', 'é=']);
    expect(fromBinary(ModelProtoSchema, writeModel(smallGraph())).producerName).toBe('onnx-grad');
  });

  it('puts constants first, keeps names and types every value', () => {
    const { graph } = fromBinary(ModelProtoSchema, writeModel(smallGraph()));
    expect(graph!.node.map(({ opType, name, output }) => `${opType} ${name}: ${output}`)).toEqual([
      'Constant : ints_1',
      'MatMul product: product',
      'Relu Relu: y',
      'Squeeze Squeeze: score',
    ]);
    expect(graph!.initializer.map(({ name, rawData }) => `${name}: ${rawData.length} bytes`)).toEqual(['w: 8 bytes']);
    expect(graph!.valueInfo.map(({ name }) => name)).toEqual(['product', 'y']);
    expect(graph!.output.map(({ name }) => name)).toEqual(['score']);
  });

  it('writes equal bytes for equal graphs', () => {
    expect(writeModel(smallGraph())).toEqual(writeModel(smallGraph()));
  });

  it('leaves out hand-written gradients', () => {
    const b = new Builder();
    const x = b.input('x', 'float32', []);
    const y = b.add('Log', [x]);
    b.override(y, [{ input: x, gradient: x }]);
    const graph = b.build('override', [y]);
    expect(readModel(writeModel(graph))).toStrictEqual({ ...graph, overrides: new Map() });
  });

  it('reads back equal, and loads in ONNX Runtime, whatever the graph is', async () => {
    const ops = new Set<string>();
    await fc.assert(
      fc.asyncProperty(randomGraph, async (graph) => {
        const bytes = writeModel(graph);
        expect(readModel(bytes)).toStrictEqual(graph);
        await (await openSession(bytes)).release();
        for (const node of graph.nodes) ops.add(node.op);
      }),
      { numRuns: size(50, 150) },
    );
    // a generator that is refused at every step would prove nothing
    expect(ops.size).toBeGreaterThan(15);
  });

  it('writes first and second derivatives of a PyTorch export, pruned or not', async () => {
    const scores = readModel(EXPORT);
    const b = Builder.from(scores);
    const loss = binaryCrossEntropy(b, b.get('score'), b.input('label', 'float32', ['batch']));
    const first = differentiate(b.build('first', [loss]), loss.name, [...scores.initializers.keys()]);
    const c = Builder.from(first);
    const gradient = c.get(first.outputs[1]!);
    const norm = c.add('ReduceSum', [c.add('Mul', [gradient, gradient])], { keepdims: 0 });
    const second = differentiate(c.build('second', [norm]), norm.name, [...scores.initializers.keys()]);
    for (const graph of [first, second, prune(second), prune(second, { overrides: false, initializers: true })]) {
      const bytes = writeModel(graph);
      expect(readModel(bytes)).toStrictEqual({ ...graph, overrides: new Map() });
      await (await openSession(bytes)).release();
    }
  });

  it('keeps every bit of tensors of every type and shape, parameters and constants', () => {
    fc.assert(
      fc.property(randomTensor, randomTensor, (p, c) => {
        const b = new Builder();
        const outputs = [b.initializer('p', p), b.namedConstant('c', c)];
        const read = readModel(writeModel(b.build('tensors', outputs)));
        for (const [found, given] of [
          [read.initializers.get('p')!, p],
          [read.constants.get('c')!, c],
        ] as const) {
          expect([found.dtype, found.shape]).toEqual([given.dtype, given.shape]);
          expect(found.data.constructor).toBe(given.data.constructor);
          expect(bitsOf(found).equals(bitsOf(given))).toBe(true);
        }
      }),
    );
  });

  it('passes scalars, empty tensors and all types to ONNX Runtime unchanged', async () => {
    const tensors = (['float32', 'float64', 'int64', 'int32', 'bool'] as const).flatMap((dtype) => [
      tensor(dtype, [], [1]),
      tensor(dtype, [0, 2], []),
      tensor(dtype, [2, 1], [0, 1]),
    ]);
    const b = new Builder();
    const outputs = tensors.flatMap((data, i) => [
      b.add('Identity', [b.initializer(`p${i}`, data)], {}, { outputs: [`a${i}`] }),
      b.add('Identity', [b.namedConstant(`c${i}`, data)], {}, { outputs: [`b${i}`] }),
    ]);
    const results = await runModel(writeModel(b.build('types', outputs)), {});
    tensors.forEach((data, i) => {
      for (const found of [results[`a${i}`]!, results[`b${i}`]!]) {
        expect([found.dtype, found.shape]).toEqual([data.dtype, data.shape]);
        expect(numbersOf(found)).toEqual(numbersOf(data));
      }
    });
  });

  it('writes only the elements of a view, not the larger buffer', () => {
    const whole = Float32Array.of(1, 2, 3, 4);
    const b = new Builder();
    const p = b.initializer('p', { dtype: 'float32', shape: [2], data: whole.subarray(1, 3) });
    expect(numbersOf(readModel(writeModel(b.build('view', [p]))).initializers.get('p')!)).toEqual([2, 3]);
  });

  it('refuses more than a file can contain, before copying anything', () => {
    const b = new Builder();
    const half = { byteLength: 2 ** 30, length: 2 ** 28 } as Float32Array;
    const outputs = ['p', 'q'].map((name) => b.initializer(name, { dtype: 'float32', shape: [2 ** 28], data: half }));
    expect(() => writeModel(b.build('large', outputs))).toThrow(
      new GraphError(
        'the tensors take 2147483648 bytes, but an ONNX file without external data can have at most 2 GiB',
      ),
    );
  });
});
