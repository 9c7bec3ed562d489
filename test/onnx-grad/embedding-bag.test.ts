/** EmbeddingBags as PyTorch exports them: loops that can be replaced, and loops that are something else. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { printGraph } from '../../packages/onnx-grad/src/graph/print.ts';
import { prune } from '../../packages/onnx-grad/src/graph/prune.ts';
import { ModelProtoSchema, type NodeProto } from '../../packages/onnx-grad/src/onnx/generated/onnx_pb.ts';
import { readModel } from '../../packages/onnx-grad/src/onnx/read.ts';

const GOLDEN = join(dirname(dirname(fileURLToPath(import.meta.url))), 'golden');
const bytesOf = (folder: string, file = 'model.onnx'): Uint8Array => readFileSync(join(GOLDEN, folder, file));

/** The file with one thing changed in the loop of the bag `kw` (a mean) or `interest` (a weighted sum). */
function changed(bag: string, change: (loop: NodeProto, body: readonly NodeProto[]) => void): Uint8Array {
  const model = fromBinary(ModelProtoSchema, bytesOf('embedding-bag-loop-opset17'));
  const loop = model.graph!.node.find(({ opType, name }) => opType === 'Loop' && name.includes(`/${bag}/`))!;
  change(loop, loop.attribute[0]!.g!.node);
  return toBinary(ModelProtoSchema, model);
}
const only = (nodes: readonly NodeProto[], op: string): NodeProto => nodes.find(({ opType }) => opType === op)!;

describe('withoutBagLoops', () => {
  it('looks up and reduces', () => {
    const graph = prune(readModel(bytesOf('embedding-bag-loop-opset17')));
    const printed = printGraph(graph).replace(/\/(\w+)\/bag\/Loop_output_0/g, '$1');
    const lines = printed.split('\n').filter((line) => /^ *(interest|kw|topic|brand)[ /:]/.test(line));
    expect(lines.join('\n')).toMatchInlineSnapshot(`
      "  brand/rows: float32[batch, 1, 6] = Gather(brand.bag.weight, /brand/Mul_output_0, axis=0)
        brand: float32[batch, 6] = ReduceMean(brand/rows, axes=[1], keepdims=0)
        interest/rows: float32[batch, 5, 6] = Gather(bags.interest.bag.weight, user.interest, axis=0)
        interest/weights: float32[batch, 5, 1] = Unsqueeze(/interest/Cast_output_0, axes=[2])
        interest/weighted: float32[batch, 5, 6] = Mul(interest/rows, interest/weights)
        interest: float32[batch, 6] = ReduceSum(interest/weighted, axes=[1], keepdims=0)
        kw/rows: float32[batch, 4, 6] = Gather(bags.kw.bag.weight, /kw/Mul_output_0, axis=0)
        kw: float32[batch, 6] = ReduceMean(kw/rows, axes=[1], keepdims=0)
        topic/rows: float32[batch, 3, 6] = Gather(bags.topic.bag.weight, /topic/Mul_output_0, axis=0)
        topic: float32[batch, 6] = ReduceMax(topic/rows, axes=[1], keepdims=0)"
    `);
  });

  it.each<[string, string, (loop: NodeProto, body: readonly NodeProto[]) => void]>([
    [
      'another reduction',
      'kw',
      (_, body) => {
        only(body, 'ReduceMean').opType = 'ReduceL2';
      },
    ],
    [
      'starts in another order',
      'kw',
      (_, body) => {
        only(body, 'Gather').input[1] = 'user.kw';
      },
    ],
    [
      'ids that go in a circle',
      'kw',
      (_, body) => {
        const slice = only(body, 'Slice');
        body.filter(({ opType }) => opType === 'Gather')[2]!.input[1] = 'round';
        Object.assign(slice, { opType: 'Identity', input: ['round'], output: ['round'] });
      },
    ],
    [
      'weights of another place',
      'interest',
      (_, body) => {
        body.filter(({ opType }) => opType === 'Slice')[1]!.input[1] = 'user.kw';
      },
    ],
  ])('takes no loop for a bag that has %s', (_, bag, change) => {
    expect(() => readModel(changed(bag, change))).toThrow(/^Loop node "\/(kw|interest)\/bag\/Loop" is control flow/);
  });

  it.each(['14', '17', '18'])('names the bag with offsets, at opset %s, and says what to pass instead', (opset) => {
    for (const name of ['offsets', 'lengths'])
      expect(() => readModel(bytesOf('other-inputs', `${name}-opset${opset}.onnx`))).toThrow(
        /^Loop node "\/bag\/Loop" is an nn\.EmbeddingBag with offsets, .* pass a matrix of ids \[batch, length\] without/,
      );
  });

  it.each(['14', '17', '18'])('treats offsets of a flattened matrix like no offsets, at opset %s', (opset) => {
    const graph = prune(readModel(bytesOf('other-inputs', `arange-opset${opset}.onnx`)));
    expect(graph.nodes.map(({ op }) => op)).toEqual(['Gather', 'ReduceMax', 'Gemm', 'Gather', 'Sigmoid']);
  });
});
