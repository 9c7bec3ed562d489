/** Initializers that PyTorch's exporter has merged are separate again. */
import { describe, expect, it } from 'vitest';
import { tensor } from '../../packages/onnx-grad/src/graph/tensor.ts';
import { writeTensor } from '../../packages/onnx-grad/src/onnx/proto-tensor.ts';
import { readModel } from '../../packages/onnx-grad/src/onnx/read.ts';
import { modelFile, node, typed } from './onnx-file.ts';

const file = (producerName: string, name: string): Uint8Array =>
  modelFile({
    inputs: [typed('x', 'float32', ['batch', 2])],
    outputs: [typed('score', 'float32', ['batch', 2])],
    initializers: [writeTensor(tensor('float32', [2], [1, 1]), 'norm.weight')],
    nodes: [
      node('Identity', ['norm.weight'], [name], {}, { name: 'Identity_0' }),
      node('Mul', ['x', 'norm.weight'], ['product']),
      node('Mul', ['product', name], ['score']),
    ],
    model: { producerName },
  });

describe('readModel', () => {
  it('creates an initializer for each name that PyTorch wrote as a copy of an equal one', () => {
    const graph = readModel(file('pytorch', 'norm.running_var'));
    expect([...graph.initializers.keys()]).toEqual(['norm.weight', 'norm.running_var']);
    expect(graph.initializers.get('norm.running_var')).toEqual(tensor('float32', [2], [1, 1]));
    const [kept, copy] = [...graph.initializers.values()];
    expect(copy!.data.buffer).not.toBe(kept!.data.buffer);
    expect(graph.nodes.map(({ op }) => op)).toEqual(['Mul', 'Mul']);
  });

  it.each([
    ['is computed on the way', 'pytorch', '/norm/Identity_output_0'],
    ['is of another exporter', 'onnx-example', 'norm.running_var'],
  ])('does not change an Identity of an initializer that %s', (_, producer, name) => {
    const graph = readModel(file(producer, name));
    expect([...graph.initializers.keys()]).toEqual(['norm.weight']);
    expect(graph.nodes.map(({ op }) => op)).toEqual(['Identity', 'Mul', 'Mul']);
  });
});
