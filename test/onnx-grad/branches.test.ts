/** Branches whose condition follows from types and shapes: PyTorch writes one for `.squeeze(-1)`. */
import { create } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { type GraphError, numbersOf, tensor } from '../../packages/onnx-grad/index.ts';
import { printGraph } from '../../packages/onnx-grad/src/graph/print.ts';
import {
  AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  GraphProtoSchema,
} from '../../packages/onnx-grad/src/onnx/generated/onnx_pb.ts';
import { readModel } from '../../packages/onnx-grad/src/onnx/read.ts';
import { writeModel } from '../../packages/onnx-grad/src/onnx/write.ts';
import { type FileModel, initializer, modelFile, node, runModel, typed } from './onnx-file.ts';

const branch = (name: string, graph: Parameters<typeof create<typeof GraphProtoSchema>>[1]) =>
  create(AttributeProtoSchema, { name, type: AttributeType.GRAPH, g: create(GraphProtoSchema, graph) });

/** `x.squeeze(-1)` as torch.onnx.export writes it, of `[n, width]`. */
function squeezing(width: number | string, change: FileModel = {}) {
  const squeezed = branch('then_branch', {
    name: 'then',
    initializer: [initializer('axis', tensor('int64', [1], [-1]))],
    node: [
      node('Squeeze', ['x', 'axis'], ['inner'], {}, { name: 'squeeze' }),
      node('Neg', ['inner'], ['negative']),
      node('Neg', ['negative'], ['out']),
    ],
    output: [typed('out', 'float32', null)],
  });
  const kept = branch('else_branch', {
    name: 'else',
    node: [node('Identity', ['x'], ['out'])],
    output: [typed('out', 'float32', null)],
  });
  return modelFile({
    opset: 17,
    nodes: [
      node('If', ['is one'], ['y'], { then_branch: squeezed, else_branch: kept }, { name: '/If' }),
      node('Shape', ['x'], ['shape']),
      node('Gather', ['shape', 'last'], ['size']),
      node('Equal', ['size', 'one'], ['is one']),
    ],
    inputs: [typed('x', 'float32', ['n', width])],
    outputs: [typed('y', 'float32', null)],
    initializers: [initializer('one', tensor('int64', [1], [1])), initializer('last', tensor('int64', [1], [1]))],
    ...change,
  });
}

const x = (width: number) => ({
  x: tensor(
    'float32',
    [3, width],
    Array.from({ length: 3 * width }, (_, i) => i - 1),
  ),
});

describe('a branch', () => {
  it.each([
    [1, [3]],
    [2, [3, 2]],
  ])('is chosen by the shape of its input: of width %d', async (width, shape) => {
    const file = squeezing(width);
    const graph = readModel(file);
    const got = await runModel(writeModel(graph), x(width));
    expect(got['y']!.shape).toEqual(shape);
    expect(numbersOf(got['y']!)).toEqual(numbersOf(x(width).x));
    // ONNX Runtime also types the other branch, and refuses the file if it does not fit
    if (width === 1) expect(numbersOf((await runModel(file, x(width)))['y']!)).toEqual(numbersOf(got['y']!));
    expect(graph.nodes.some(({ op }) => (op as string) === 'If')).toBe(false);
  });

  it('puts its own name before those of its nodes', () => {
    expect(printGraph(readModel(squeezing(1)))).toContain('/If/inner: float32[n] = Squeeze(x, axes=[-1])');
  });

  it('is chosen by a constant condition', () => {
    const file = squeezing(1, {
      nodes: [node('Constant', [], ['is one'], { value: tensor('bool', [], [0]) }), ...squeezingNodes(1)],
    });
    expect(readModel(file).values.get('y')!.shape).toEqual(['n', 1]);
  });

  it('is refused if the condition is only known at run time', () => {
    const refusal = (): GraphError => {
      try {
        readModel(squeezing('width'));
      } catch (error) {
        return error as GraphError;
      }
      return expect.fail('it is read');
    };
    expect(refusal().message).toContain('If node "/If" is control flow, which is not supported: compute both branches');
  });
});

/** Only the If node. */
function squeezingNodes(width: number) {
  const kept = branch('else_branch', {
    name: 'else',
    node: [node('Identity', ['x'], ['out'])],
    output: [typed('out', 'float32', null)],
  });
  const then = branch('then_branch', {
    name: 'then',
    node: [node('Reshape', ['x', 'one'], ['out'])],
    output: [typed('out', 'float32', null)],
  });
  return [node('If', ['is one'], ['y'], { then_branch: then, else_branch: kept }, { name: `/If_${width}` })];
}
