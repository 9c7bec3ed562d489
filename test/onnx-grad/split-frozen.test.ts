/** Splitting a graph at some parameters: body and head together equal the whole graph. */
import { describe, expect, it } from 'vitest';
import { Builder } from '../../packages/onnx-grad/src/graph/builder.ts';
import type { Graph } from '../../packages/onnx-grad/src/graph/ir.ts';
import { tensor } from '../../packages/onnx-grad/src/graph/tensor.ts';
import { rewrite } from '../../packages/onnx-grad/src/rewrite/rewrite.ts';
import { splitFrozen } from '../../packages/onnx-grad/src/rewrite/split-frozen.ts';
import { type Feeds, openSession } from '../../packages/onnx-grad/src/session/session.ts';

/** y = sigmoid(relu(x w) . v + u bias); `cheap` is an input that only the head reads. */
function twoLayers(): Graph {
  const b = new Builder();
  const x = b.input('x', 'float32', ['batch', 2]);
  const cheap = b.input('cheap', 'float32', ['batch', 1]);
  const w = b.initializer('w', tensor('float32', [2, 3], [0.5, -1, 2, 1, 0.25, -0.5]));
  const v = b.initializer('v', tensor('float32', [3, 1], [1, -2, 0.5]));
  const bias = b.initializer('bias', tensor('float32', [1], [0.3]));
  const hidden = b.add('Relu', [b.add('MatMul', [x, w])], {}, { name: 'hidden' });
  const logit = b.add('Add', [b.add('MatMul', [hidden, v]), b.add('Mul', [cheap, bias])]);
  return b.build('two', [b.add('Sigmoid', [logit], {}, { outputs: ['y'] })]);
}

const FEEDS: Feeds = {
  x: tensor('float32', [2, 2], [1, -2, 0.5, 3]),
  cheap: tensor('float32', [2, 1], [1, -4]),
};

async function run(graph: Graph, feeds: Feeds): Promise<Feeds> {
  const session = await openSession(graph);
  const out = await session.run(feeds);
  await session.close();
  return out;
}

/** The first output; in the head it has another name. */
const firstOf = async (graph: Graph, feeds: Feeds) => (await run(graph, feeds))[graph.outputs[0]!]!.data;

describe('splitFrozen', () => {
  it('returns a body and a head that, run in turn, equal the whole graph', async () => {
    const graph = twoLayers();
    const { body, head, boundary } = splitFrozen(graph, ['v', 'bias']);
    const between = await run(body!, { x: FEEDS['x']! });
    expect(await firstOf(head, { ...between, cheap: FEEDS['cheap']! })).toEqual(await firstOf(graph, FEEDS));
    expect([...boundary].sort()).toEqual(['cheap', 'hidden']);
  });

  it('gives each side the initializers that it needs, and no others', () => {
    const { body, head } = splitFrozen(twoLayers(), ['v', 'bias']);
    expect([body!.inputs, [...body!.initializers.keys()], body!.outputs]).toEqual([['x'], ['w'], ['hidden']]);
    expect([...head.inputs].sort()).toEqual(['cheap', 'hidden']);
    expect([...head.initializers.keys()].sort()).toEqual(['bias', 'v']);
    expect(head.nodes.map(({ op }) => op)).not.toContain('Relu');
  });

  /** nn.MultiheadAttention's shape arithmetic: x in as many parts as 2 mod 3 says, times w. */
  function shapedBySizes(): Graph {
    const b = new Builder();
    const x = b.input('x', 'float32', ['batch', 6]);
    const w = b.initializer('w', tensor('float32', [3], [1, -2, 0.5]));
    const count = b.add('Mod', [b.ints([2]), b.ints([3])], {}, { name: 'count' });
    const batch = b.add('Slice', [b.add('Shape', [x]), b.ints([0]), b.ints([1])], {}, { name: 'batch' });
    const shape = b.add('Concat', [batch, count, b.ints([3])], { axis: 0 }, { name: 'shape' });
    const start = b.add('Mul', [w, b.scalar(2, 'float32')]);
    return b.build('shaped', [b.add('Mul', [b.add('Reshape', [x, shape]), start], {}, { outputs: ['y'] })]);
  }

  it('makes known sizes constants, and keeps what is known of others', () => {
    const graph = shapedBySizes();
    const { body, head, boundary } = splitFrozen(graph, ['x']);
    expect([body?.nodes.map(({ op }) => op), boundary]).toEqual([['Mul'], ['Mul']]);
    expect(head.values.get(head.outputs[0]!)!.shape).toEqual(['batch', 2, 3]);
    const below = splitFrozen(graph, ['shape', 'w']);
    expect(below.head.values.get('shape')!.known).toEqual(['batch', 2, 3]);
    const again = rewrite(below.head, () => null);
    expect(again.values.get(again.outputs[0]!)!.shape).toEqual(['batch', 2, 3]);
  });

  it('has no body if the boundary consists of inputs only', async () => {
    const graph = twoLayers();
    const { body, head, boundary } = splitFrozen(graph, ['w', 'v', 'bias']);
    expect(body).toBeNull();
    expect([...boundary].sort()).toEqual(['cheap', 'x']);
    expect(await firstOf(head, FEEDS)).toEqual(await firstOf(graph, FEEDS));
  });

  it('refuses an output that depends on none of the parameters', () => {
    const b = Builder.from(twoLayers());
    const graph = b.build('more', [b.get('y'), b.get('hidden')]);
    expect(() => splitFrozen(graph, ['v'])).toThrow('output "hidden" depends on none of v');
  });
});
