/**
 * A thread of the scoring benchmark: only the matrix products of a MetaHeac, in the shapes of a PyTorch export (expert
 * by expert), with constant weights. No scoring that uses ONNX Runtime can be faster.
 */
import {
  Builder,
  type Feeds,
  type Graph,
  openSession,
  type Tensor,
  tensor,
  type Value,
} from '../../packages/onnx-grad/index.ts';
import { createRng } from '../../src/lib/rng.ts';
import { hostThread } from '../../src/lib/threads/thread-host.ts';
import { LARGE } from './large-model.ts';

interface MatmulThreadData {
  /** Rows of a product. */
  readonly rows: number;
}

const rng = createRng('matrix products');

function randomTensor(shape: readonly number[]): Tensor {
  const count = shape.reduce((product, dim) => product * dim, 1);
  return tensor(
    'float32',
    shape,
    Float32Array.from({ length: count }, () => rng.uniform() - 0.5),
  );
}

function productsOf(rows: number): Graph {
  const { embedding: k, user, campaign, experts, critics } = LARGE;
  const [h1, h2] = LARGE.hidden;
  const b = new Builder();
  let weights = 0;
  const times = (value: Value, width: number): Value => {
    weights += 1;
    const shape = [value.shape[1] as number, width];
    return b.add('MatMul', [value, b.initializer(`weight.${weights}`, randomTensor(shape))]);
  };
  const features = b.input('features', 'float32', [rows, user.length * k]);
  const context = b.input('context', 'float32', [rows, (1 + campaign.length) * k]);
  const byExpert = Array.from({ length: experts }, () => times(times(features, h1), h2));
  const byCritic = Array.from({ length: critics }, (_, j) => times(byExpert[j]!, 1));
  const gates = [experts, critics].map((width) => times(times(context, h2), width));
  return b.build('products', [...byExpert, ...byCritic, ...gates]);
}

await hostThread<MatmulThreadData, number, null>(async ({ rows }) => {
  const graph = productsOf(rows);
  const session = await openSession(graph);
  const like = (name: string) => randomTensor(graph.values.get(name)!.shape as readonly number[]);
  const feeds: Feeds = Object.fromEntries(graph.inputs.map((name) => [name, like(name)]));
  const into: Feeds = Object.fromEntries(graph.outputs.map((name) => [name, like(name)]));
  return {
    async run(batches) {
      for (let i = 0; i < batches; i++) await session.run(feeds, { into });
      return null;
    },
    close: () => session.close(),
  };
});
