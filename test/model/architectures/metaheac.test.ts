/** MetaHeac's graph compared with the formulas in plain TypeScript; its shapes and its printed form. */
import { describe, expect, it } from 'vitest';
import { type Feeds, type Graph, numbersOf, tensor } from '../../../packages/onnx-grad/index.ts';
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
