/** MetaHeac's graph compared with the formulas in plain TypeScript; its shapes and its printed form. */
import { describe, expect, it } from 'vitest';
import { type Feeds, type Graph, numbersOf, printGraph, tensor } from '../../../packages/onnx-grad/index.ts';
import { createRng } from '../../../src/lib/rng.ts';
import type { MetaHeacFeature } from '../../../src/model/architectures/feature-inputs.ts';
import { HEADS, LATENT_TABLE } from '../../../src/model/architectures/heads.ts';
import {
  buildHeadsAlone,
  buildMetaHeac,
  type MetaHeacConfig,
  randomInitial,
} from '../../../src/model/architectures/metaheac.ts';
import { randomFeeds, scoresOf, TINY, tinyGraph } from '../tiny-model.ts';
import { referenceScores } from './reference.ts';

/** The formulas' scores with the parameters of `graph`. */
function expectedScores(graph: Graph, config: MetaHeacConfig, feeds: Feeds): number[] {
  const parameters = new Map([...graph.initializers].map(([name, value]) => [name, numbersOf(value)]));
  return referenceScores(parameters, config, feeds);
}

const NUMBER: MetaHeacFeature = {
  name: 'spend',
  kind: 'number',
  rows: 6,
  scale: { edges: [-1, 2], means: [0.5], deviations: [1.5] },
};
const VECTOR: MetaHeacFeature = {
  name: 'text',
  kind: 'vector',
  rows: 3,
  scale: { edges: [], means: [0.1, 0, -1], deviations: [1, 2, 0.3] },
};
const WITH_NUMBERS = [
  TINY.user[0]!,
  NUMBER,
  TINY.user[1]!,
  VECTOR,
  { ...NUMBER, name: 'flat', scale: { ...NUMBER.scale!, edges: [] }, rows: 4 },
];

const CONFIGS: readonly (readonly [string, MetaHeacConfig])[] = [
  ['single- and multi-valued features on both sides', TINY],
  ['no campaign features at all', { ...TINY, campaign: [] }],
  ['one user feature', { ...TINY, user: [{ name: 'age', kind: 'single', rows: 5 }] }],
  [
    'one list and nothing else',
    { ...TINY, user: [{ name: 'tags', kind: 'multi', maxLength: 1, rows: 3 }], campaign: [] },
  ],
  ['several lists of one campaign', { ...TINY, campaign: [TINY.campaign[1]!, { ...TINY.campaign[1]!, name: 'more' }] }],
  ['one expert and one critic', { ...TINY, experts: 1, critics: 1 }],
  ['an embedding of width 1', { ...TINY, embedding: 1 }],
  ['lists pooled by the root of their number', { ...TINY, pooling: 'root' }],
  ['heads', { ...TINY, pooling: 'root', heads: { latent: 3 } }],
  ['heads without campaign features', { ...TINY, campaign: [], heads: { latent: 1 } }],
  ['numbers and vectors', { ...TINY, user: WITH_NUMBERS, campaign: [NUMBER, VECTOR] }],
  [
    'heads with numbers and vectors',
    {
      ...TINY,
      pooling: 'root',
      user: WITH_NUMBERS,
      campaign: [...TINY.campaign, NUMBER, VECTOR],
      heads: { latent: 2 },
    },
  ],
  ['heads with a vector and nothing else', { ...TINY, user: [VECTOR, TINY.user[0]!], heads: { latent: 2 } }],
];

describe('buildMetaHeac', () => {
  it.each(CONFIGS)('scores as the formulas do: %s', async (what, config) => {
    // larger weights than at the start of training, so that no score is just .5
    const initial = randomInitial(createRng(`weights of ${what}`));
    const graph = buildMetaHeac(config, (name, shape, fanIn) => {
      const value = initial(name, shape, fanIn);
      return tensor(
        'float32',
        shape,
        numbersOf(value).map((x) => 3 * x),
      );
    });
    for (const rows of [1, 7]) {
      const feeds = randomFeeds(config, rows, `${what} ${rows}`);
      const actual = await scoresOf(graph, feeds);
      const expected = expectedScores(graph, config, feeds);
      expect(actual.length).toBe(rows);
      expected.forEach((score, i) => {
        expect(Math.abs(actual[i]! - score), `score ${i}`).toBeLessThan(1e-6);
      });
      if (rows > 1) expect(new Set(actual).size).toBeGreaterThan(1);
    }
  });

  it('reads nothing of a list past its length, and gives an empty one the zero vector', async () => {
    const feeds = randomFeeds(TINY, 3, 'lists');
    const withTags = (tags: number[], lengths: number[]): Feeds => ({
      ...feeds,
      'user.tags': tensor('int32', [3, 3], tags),
      'user.tags.length': tensor('int32', [3], lengths),
    });
    const graph = tinyGraph();
    const lengths = [0, 1, 2];
    const one = await scoresOf(graph, withTags([1, 2, 3, 4, 5, 1, 2, 3, 4], lengths));
    expect(await scoresOf(graph, withTags([0, 0, 0, 4, 0, 0, 2, 3, 0], lengths))).toEqual(one);
    expect(await scoresOf(graph, withTags([0, 0, 0, 4, 0, 0, 2, 5, 0], lengths))).not.toEqual(one);
    const expected = expectedScores(graph, TINY, withTags([0, 0, 0, 4, 0, 0, 2, 3, 0], lengths));
    expect(Math.abs(one[0]! - expected[0]!)).toBeLessThan(1e-6);
  });

  it('gives a user the same score alone and in a batch', async () => {
    const graph = tinyGraph();
    const feeds = randomFeeds(TINY, 9, 'company');
    const all = await scoresOf(graph, feeds);
    const row = 4;
    const alone: Record<string, Feeds[string]> = { ...feeds };
    for (const [name, { shape, data }] of Object.entries(feeds)) {
      if (!name.startsWith('user.')) continue;
      const width = shape[1] ?? 1;
      const own = (data as Int32Array).slice(row * width, (row + 1) * width);
      alone[name] = tensor('int32', [1, ...shape.slice(1)], own);
    }
    expect(Math.abs((await scoresOf(graph, alone))[0]! - all[row]!)).toBeLessThan(1e-7);
  });

  it('has the parameters that README.md lists, of these shapes', () => {
    const shapes = Object.fromEntries([...tinyGraph().initializers].map(([name, { shape }]) => [name, shape]));
    expect(shapes).toEqual({
      'user.age.embedding': [5, 2],
      'user.tags.embedding': [6, 2],
      'campaign.topic.embedding': [4, 2],
      'campaign.words.embedding': [5, 2],
      'gate.experts.0.weight': [3, 6],
      'gate.experts.0.bias': [3],
      'gate.experts.1.weight': [2, 3],
      'gate.experts.1.bias': [2],
      'gate.critics.0.weight': [3, 6],
      'gate.critics.0.bias': [3],
      'gate.critics.1.weight': [3, 3],
      'gate.critics.1.bias': [3],
      'experts.0.weight': [8, 4],
      'experts.0.bias': [8],
      'experts.1.weight': [2, 3, 4],
      'experts.1.bias': [2, 3],
      'critics.weight': [3, 3],
      'critics.bias': [3],
    });
  });

  it('has these additional parameters with heads, and the published ones unchanged', () => {
    const published = tinyGraph();
    const graph = tinyGraph({ ...TINY, heads: { latent: 3 } });
    const added = [...graph.initializers].filter(([name]) => !published.initializers.has(name));
    expect(Object.fromEntries(added.map(([name, { shape }]) => [name, shape]))).toEqual({
      [HEADS.wide]: [11],
      [HEADS.query]: [3],
      [HEADS.bias]: [1],
      [HEADS.regression]: [11],
      [HEADS.scale]: [1],
      [LATENT_TABLE]: [11, 3],
      'latent.campaign.topic.embedding': [4, 3],
      'latent.campaign.words.embedding': [5, 3],
    });
    for (const [name, value] of published.initializers) expect(graph.initializers.get(name)).toEqual(value);
  });

  it('reads well', () => {
    expect(printGraph(tinyGraph())).toMatchInlineSnapshot(`
      "graph metaheac
      inputs
        user.age: int32[batch]
        user.tags: int32[batch, 3]
        user.tags.length: int32[batch]
        campaign.topic: int32[1]
        campaign.words: int32[1, 2]
        campaign.words.length: int32[1]
      parameters
        user.age.embedding: float32[5, 2]
        user.tags.embedding: float32[6, 2]
        campaign.topic.embedding: float32[4, 2]
        campaign.words.embedding: float32[5, 2]
        gate.experts.0.weight: float32[3, 6]
        gate.experts.0.bias: float32[3]
        gate.experts.1.weight: float32[2, 3]
        gate.experts.1.bias: float32[2]
        gate.critics.0.weight: float32[3, 6]
        gate.critics.0.bias: float32[3]
        gate.critics.1.weight: float32[3, 3]
        gate.critics.1.bias: float32[3]
        experts.0.weight: float32[8, 4]
        experts.0.bias: float32[8]
        experts.1.weight: float32[2, 3, 4]
        experts.1.bias: float32[2, 3]
        critics.weight: float32[3, 3]
        critics.bias: float32[3]
      nodes
        user.tags/Unsqueeze: int32[batch, 1] = Unsqueeze(user.tags.length, axes=[1])
        user.tags/Less: bool[batch, 3] = Less([0, 1, 2], user.tags/Unsqueeze)
        user.tags/Cast: float32[batch, 3] = Cast(user.tags/Less, to=float32)
        campaign.words/Unsqueeze: int32[1, 1] = Unsqueeze(campaign.words.length, axes=[1])
        campaign.words/Less: bool[1, 2] = Less([0, 1], campaign.words/Unsqueeze)
        campaign.words/Cast: float32[1, 2] = Cast(campaign.words/Less, to=float32)
        user.age/Gather: float32[batch, 2] = Gather(user.age.embedding, user.age, axis=0)
        user.tags/Gather: float32[batch, 3, 2] = Gather(user.tags.embedding, user.tags, axis=0)
        user.tags/Unsqueeze_1: float32[batch, 3, 1] = Unsqueeze(user.tags/Cast, axes=[2])
        user.tags/Mul: float32[batch, 3, 2] = Mul(user.tags/Gather, user.tags/Unsqueeze_1)
        user.tags/ReduceSum: float32[batch, 2] = ReduceSum(user.tags/Mul, axes=[1], keepdims=0)
        user.tags/Cast_1: float32[batch] = Cast(user.tags.length, to=float32)
        user.tags/Max: float32[batch] = Max(user.tags/Cast_1, 1.0)
        user.tags/Unsqueeze_2: float32[batch, 1] = Unsqueeze(user.tags/Max, axes=[1])
        user.tags/Div: float32[batch, 2] = Div(user.tags/ReduceSum, user.tags/Unsqueeze_2)
        campaign.topic/Gather: float32[1, 2] = Gather(campaign.topic.embedding, campaign.topic, axis=0)
        campaign.words/Gather: float32[1, 2, 2] = Gather(campaign.words.embedding, campaign.words, axis=0)
        campaign.words/Unsqueeze_1: float32[1, 2, 1] = Unsqueeze(campaign.words/Cast, axes=[2])
        campaign.words/Mul: float32[1, 2, 2] = Mul(campaign.words/Gather, campaign.words/Unsqueeze_1)
        campaign.words/ReduceSum: float32[1, 2] = ReduceSum(campaign.words/Mul, axes=[1], keepdims=0)
        campaign.words/Cast_1: float32[1] = Cast(campaign.words.length, to=float32)
        campaign.words/Max: float32[1] = Max(campaign.words/Cast_1, 1.0)
        campaign.words/Unsqueeze_2: float32[1, 1] = Unsqueeze(campaign.words/Max, axes=[1])
        campaign.words/Div: float32[1, 2] = Div(campaign.words/ReduceSum, campaign.words/Unsqueeze_2)
        user/features: float32[batch, 4] = Concat(user.age/Gather, user.tags/Div, axis=1)
        context/Reshape: float32[batch, 2, 2] = Reshape(user/features, shape=[0, 2, 2])
        context/ReduceMean: float32[batch, 2] = ReduceMean(context/Reshape, axes=[1], keepdims=0)
        context/Concat: float32[1, 4] = Concat(campaign.topic/Gather, campaign.words/Div, axis=1)
        context/Shape: int64[1] = Shape(context/ReduceMean, end=1, start=0)
        context/Concat_1: int64[2] = Concat(context/Shape, [4], axis=0)
        context/Expand: float32[batch, 4] = Expand(context/Concat, shape=context/Concat_1)
        context/Concat_2: float32[batch, 6] = Concat(context/ReduceMean, context/Expand, axis=1)
        gate.experts/Gemm: float32[batch, 3] = Gemm(context/Concat_2, gate.experts.0.weight, gate.experts.0.bias, transB=1)
        gate.experts/Relu: float32[batch, 3] = Relu(gate.experts/Gemm)
        gate.experts/Gemm_1: float32[batch, 2] = Gemm(gate.experts/Relu, gate.experts.1.weight, gate.experts.1.bias, transB=1)
        gate.experts/Softmax: float32[batch, 2] = Softmax(gate.experts/Gemm_1, axis=1)
        gate.critics/Gemm: float32[batch, 3] = Gemm(context/Concat_2, gate.critics.0.weight, gate.critics.0.bias, transB=1)
        gate.critics/Relu: float32[batch, 3] = Relu(gate.critics/Gemm)
        gate.critics/Gemm_1: float32[batch, 3] = Gemm(gate.critics/Relu, gate.critics.1.weight, gate.critics.1.bias, transB=1)
        gate.critics/Softmax: float32[batch, 3] = Softmax(gate.critics/Gemm_1, axis=1)
        experts/Gemm: float32[batch, 8] = Gemm(user/features, experts.0.weight, experts.0.bias, transB=1)
        experts/Relu: float32[batch, 8] = Relu(experts/Gemm)
        experts/Reshape: float32[batch, 2, 4] = Reshape(experts/Relu, shape=[0, 2, 4])
        experts/Transpose: float32[2, batch, 4] = Transpose(experts/Reshape, perm=[1, 0, 2])
        experts/Transpose_1: float32[2, 4, 3] = Transpose(experts.1.weight, perm=[0, 2, 1])
        experts/Unsqueeze: float32[2, 1, 3] = Unsqueeze(experts.1.bias, axes=[1])
        experts/MatMul: float32[2, batch, 3] = MatMul(experts/Transpose, experts/Transpose_1)
        experts/Add: float32[2, batch, 3] = Add(experts/MatMul, experts/Unsqueeze)
        experts/Relu_1: float32[2, batch, 3] = Relu(experts/Add)
        mix/Transpose: float32[2, batch] = Transpose(gate.experts/Softmax, perm=[1, 0])
        mix/Unsqueeze: float32[2, batch, 1] = Unsqueeze(mix/Transpose, axes=[2])
        mix/Mul: float32[2, batch, 3] = Mul(experts/Relu_1, mix/Unsqueeze)
        mix/ReduceSum: float32[batch, 3] = ReduceSum(mix/Mul, axes=[0], keepdims=0)
        critics/Gemm: float32[batch, 3] = Gemm(mix/ReduceSum, critics.weight, critics.bias, transB=1)
        critics/Neg: float32[batch, 3] = Neg(critics/Gemm)
        critics/Exp: float32[batch, 3] = Exp(critics/Neg)
        critics/Add: float32[batch, 3] = Add(critics/Exp, 1.0)
        critics/Reciprocal: float32[batch, 3] = Reciprocal(critics/Add)
        critics/Abs: float32[batch, 3] = Abs(critics/Gemm)
        critics/Greater: bool[batch, 3] = Greater(critics/Abs, 2.0)
        critics/Sigmoid: float32[batch, 3] = Sigmoid(critics/Gemm)
        critics/Where: float32[batch, 3] = Where(critics/Greater, critics/Reciprocal, critics/Sigmoid)
        critics/Mul: float32[batch, 3] = Mul(gate.critics/Softmax, critics/Where)
        score: float32[batch] = ReduceSum(critics/Mul, axes=[1], keepdims=0)
      outputs
        score: float32[batch]"
    `);
  });
});

describe('randomInitial', () => {
  it('fixes each parameter by the stream and its own name, not by the order that they are requested', () => {
    const [one, other] = [randomInitial(createRng('a')), randomInitial(createRng('a'))];
    const first = one('x', [3], 4);
    one('y', [3], 4);
    other('y', [3], 4);
    expect(other('x', [3], 4)).toEqual(first);
    expect(one('z', [3], 4)).not.toEqual(first);
    expect(randomInitial(createRng('b'))('x', [3], 4)).not.toEqual(first);
  });

  it('samples embeddings from N(0, .1) and everything else uniformly within 1 / sqrt(fan in)', () => {
    const initial = randomInitial(createRng('moments'));
    const embedding = numbersOf(initial('a.embedding', [4000, 2], 1));
    const mean = embedding.reduce((a, b) => a + b, 0) / embedding.length;
    const deviation = Math.sqrt(embedding.reduce((a, b) => a + (b - mean) ** 2, 0) / embedding.length);
    expect(Math.abs(mean)).toBeLessThan(0.005);
    expect(Math.abs(deviation - 0.1)).toBeLessThan(0.005);
    const weights = numbersOf(initial('w', [4000], 16));
    expect(Math.max(...weights)).toBeLessThanOrEqual(0.25);
    expect(Math.min(...weights)).toBeGreaterThanOrEqual(-0.25);
    expect(Math.max(...weights) - Math.min(...weights)).toBeGreaterThan(0.49);
  });
});

describe('buildHeadsAlone', () => {
  const heads = { latent: 2 };
  const config: MetaHeacConfig = { ...TINY, pooling: 'root', heads };

  it('scores like the whole graph with experts and critics that contribute nothing', async () => {
    const whole = buildMetaHeac(config, (name, shape, fanIn) => {
      const value = randomInitial(createRng('heads'))(name, shape, fanIn);
      return name.startsWith('critics.')
        ? tensor(
            'float32',
            shape,
            numbersOf(value).map(() => 0),
          )
        : value;
    });
    const alone = buildHeadsAlone({ ...config, heads }, (name) => whole.initializers.get(name)!);
    const feeds = randomFeeds(config, 9, 'heads alone');
    const [expected, actual] = [await scoresOf(whole, feeds), await scoresOf(alone, feeds)];
    expected.forEach((score, i) => {
      expect(Math.abs(actual[i]! - score), `score ${i}`).toBeLessThan(1e-6);
    });
    expect([...alone.inputs].sort()).toEqual([...whole.inputs].sort());
    expect([...alone.initializers.keys()].filter((name) => !/^(heads|latent)\./.test(name))).toEqual([]);
  });
});
