/** Rows and campaigns as a model's inputs. */
import { rmSync } from 'node:fs';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  Builder,
  type DataType,
  type Dim,
  type Graph,
  numbersOf,
  sliceFeeds,
  type Tensor,
  takeFeeds,
  tensor,
} from '../../packages/onnx-grad/index.ts';
import type { GeneralModel } from '../../src/model/load.ts';
import { bind } from '../../src/online/binding.ts';
import {
  type CampaignValues,
  type EncodingCounts,
  encodeCampaign,
  encodeUsers,
  IdArrays,
} from '../../src/online/encode.ts';
import { CONFIG, modelOf, newRoot, populationOf } from './world.ts';

const root = newRoot();
let model: GeneralModel;
beforeAll(async () => {
  model = await modelOf(root);
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** A graph that has the model's inputs in another type, or with campaign inputs of another first size. */
function graphWith(dtype: DataType, campaign: Dim): Graph {
  const b = new Builder();
  for (const name of model.graph.inputs) {
    const [, ...rest] = model.graph.values.get(name)!.shape;
    b.input(name, dtype, [name.startsWith('user.') ? 'batch' : campaign, ...rest]);
  }
  return b.build('inputs', []);
}

/** The model, whose lists keep unknown tokens in their places. */
function keepingUnknown(): GeneralModel['folder'] {
  const { folder } = model;
  const keep = (features: typeof folder.manifest.features.user) =>
    features.map((one) => (one.kind === 'multi' ? { ...one, unknown: 'keep' as const } : one));
  const { user, campaign } = folder.manifest.features;
  return { ...folder, manifest: { ...folder.manifest, features: { user: keep(user), campaign: keep(campaign) } } };
}

const plain = ({ dtype, shape, data }: Tensor) => ({
  dtype,
  shape: [...shape],
  data: Array.from(data as never, Number),
});

describe('encodeUsers', () => {
  const USERS = [
    { user_id: 'a', age: 'age 3', tags: ['new', 'tags 5', 'newer', 'tags 1', 'tags 1', 'tags 2'] },
    { user_id: 'b', age: 'ancient', tags: [] },
    { user_id: 'c', age: null, tags: ['new'] },
    { user_id: 'd', age: 'age 1', tags: ['tags 4'] },
  ];

  it('drops unknown tokens of a list before it is cut to its maximum length, and counts both', async () => {
    const population = await populationOf(root, USERS);
    const binding = bind(model.folder, population);
    const counts: EncodingCounts = { unknown: 0, tokens: 0, dropped: 0 };
    const feeds = encodeUsers(model.graph, binding, population.readRows(Int32Array.of(0, 1, 2, 3)), { counts });
    expect(Object.fromEntries(Object.entries(feeds).map(([name, feed]) => [name, plain(feed)]))).toEqual({
      'user.age': { dtype: 'int32', shape: [4], data: [3, 0, 0, 1] },
      'user.tags': { dtype: 'int32', shape: [4, 3], data: [5, 1, 1, 0, 0, 0, 0, 0, 0, 4, 0, 0] },
      'user.tags.length': { dtype: 'int32', shape: [4], data: [3, 0, 0, 1] },
    });
    // ages: 3 given, 1 unknown; tags: 8 given, 3 unknown, `tags 2` does not fit
    expect(counts).toEqual({ unknown: 4, tokens: 11, dropped: 1 });
  });

  it('keeps the places of unknown and left-out tokens if the feature says so', async () => {
    const population = await populationOf(root, USERS);
    const binding = bind(keepingUnknown(), population);
    const counts: EncodingCounts = { unknown: 0, tokens: 0, dropped: 0 };
    const rows = population.readRows(Int32Array.of(0, 1, 2, 3));
    const feeds = encodeUsers(model.graph, binding, rows, { counts });
    expect(numbersOf(feeds['user.tags']!)).toEqual([0, 5, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0]);
    expect(numbersOf(feeds['user.tags.length']!)).toEqual([3, 0, 1, 1]);
    expect(counts).toEqual({ unknown: 4, tokens: 11, dropped: 3 });
    const without = encodeUsers(model.graph, binding, rows, { without: { feature: 'tags', id: 4 } });
    expect(numbersOf(without['user.tags.length']!)).toEqual([3, 0, 1, 1]);
    expect(numbersOf(without['user.tags']!).slice(9)).toEqual([0, 0, 0]);
  });

  it('leaves a token out of every user before lists are cut, and counts the rest', async () => {
    const population = await populationOf(root, USERS);
    const binding = bind(model.folder, population);
    const encode = (without: { feature: string; id: number }) =>
      encodeUsers(model.graph, binding, population.readRows(Int32Array.of(0, 3)), { without });
    const list = encode({ feature: 'tags', id: 1 });
    expect(numbersOf(list['user.tags']!)).toEqual([5, 2, 0, 4, 0, 0]);
    expect(numbersOf(list['user.tags.length']!)).toEqual([2, 1]);
    expect(numbersOf(list['user.age']!)).toEqual([3, 1]);
    const single = encode({ feature: 'age', id: 3 });
    expect(numbersOf(single['user.age']!)).toEqual([0, 1]);
    expect(numbersOf(single['user.tags']!)).toEqual([5, 1, 1, 4, 0, 0]);
  });

  it('encodes ranges one by one, into the same memory, as it encodes all rows', async () => {
    const population = await populationOf(root, USERS);
    const binding = bind(model.folder, population);
    const rows = population.readRows(Int32Array.of(0, 1, 2, 3));
    const all: EncodingCounts = { unknown: 0, tokens: 0, dropped: 0 };
    const whole = encodeUsers(model.graph, binding, rows, { counts: all });
    const counts: EncodingCounts = { unknown: 0, tokens: 0, dropped: 0 };
    const into = new IdArrays();
    const data: Record<string, number[]> = {};
    // the longest lists first: zeros of the second range were ids of the first
    for (const range of [
      { from: 0, to: 3 },
      { from: 3, to: 4 },
    ])
      for (const [name, part] of Object.entries(encodeUsers(model.graph, binding, rows, { range, into, counts }))) {
        expect(part.shape).toEqual([range.to - range.from, ...whole[name]!.shape.slice(1)]);
        data[name] = [...(data[name] ?? []), ...numbersOf(part)];
      }
    expect(data).toEqual(Object.fromEntries(Object.entries(whole).map(([name, feed]) => [name, numbersOf(feed)])));
    expect(counts).toEqual(all);
  });

  it('makes int64 when the graph wants it', async () => {
    const population = await populationOf(root, USERS);
    const binding = bind(model.folder, population);
    const rows = population.readRows(Int32Array.of(0, 1));
    const wide = encodeUsers(graphWith('int64', 1), binding, rows);
    const narrow = encodeUsers(null, binding, rows);
    for (const [name, { dtype, shape, data }] of Object.entries(wide)) {
      expect(dtype).toBe('int64');
      expect(data).toBeInstanceOf(BigInt64Array);
      expect(plain(narrow[name]!)).toEqual({ dtype: 'int32', shape: [...shape], data: Array.from(data, Number) });
    }
  });
});

describe('encodeCampaign', () => {
  const encode = (features: CampaignValues, graph = model.graph, rows = 3) =>
    Object.fromEntries(
      Object.entries(encodeCampaign(graph, model.folder, features, rows)).map(([name, feed]) => [name, plain(feed)]),
    );

  it('makes one row when the graph takes one', () => {
    expect(encode({ topic: 'topic 2', words: ['words 4'] })).toEqual({
      'campaign.topic': { dtype: 'int32', shape: [1], data: [2] },
      'campaign.words': { dtype: 'int32', shape: [1, 2], data: [4, 0] },
      'campaign.words.length': { dtype: 'int32', shape: [1], data: [1] },
    });
  });

  it('makes one row a user when the graph wants that', () => {
    expect(encode({ topic: 'topic 2', words: ['words 4'] }, graphWith('int64', 'batch'))).toEqual({
      'campaign.topic': { dtype: 'int64', shape: [3], data: [2, 2, 2] },
      'campaign.words': { dtype: 'int64', shape: [3, 2], data: [4, 0, 4, 0, 4, 0] },
      'campaign.words.length': { dtype: 'int64', shape: [3], data: [1, 1, 1] },
    });
  });

  it('drops unknown values of a list before it is cut', () => {
    const { 'campaign.words': words, 'campaign.words.length': length } = encode({
      words: ['new', 'words 3', 'words 1', 'words 2'],
    });
    expect(words!.data).toEqual([3, 1]);
    expect(length!.data).toEqual([2]);
  });

  it('keeps the places of unknown values if the feature says so', () => {
    const feeds = encodeCampaign(model.graph, keepingUnknown(), { words: ['new', 'words 3', 'words 1'] }, 1);
    expect(numbersOf(feeds['campaign.words']!)).toEqual([0, 3]);
    expect(numbersOf(feeds['campaign.words.length']!)).toEqual([2]);
  });

  it.each<[string, CampaignValues]>([
    ['missing', {}],
    ['unknown', { topic: 'new', words: ['new'] }],
    ['empty', { topic: '', words: [] }],
  ])('encodes a value that is %s as id 0', (_, features) => {
    expect(encode(features)).toEqual({
      'campaign.topic': { dtype: 'int32', shape: [1], data: [0] },
      'campaign.words': { dtype: 'int32', shape: [1, 2], data: [0, 0] },
      'campaign.words.length': { dtype: 'int32', shape: [1], data: [0] },
    });
  });

  it('takes a text as a list, and the first entry of a list as a text', () => {
    const feeds = encode({ topic: ['topic 3', 'topic 1'], words: 'words 2' });
    expect(feeds['campaign.topic']!.data).toEqual([3]);
    expect(feeds['campaign.words']!.data).toEqual([2, 0]);
  });

  it('does not take properties that every object has for values', async () => {
    const config = {
      ...CONFIG,
      campaign: [
        { name: 'constructor', kind: 'single' as const, rows: 3 },
        { name: 'valueOf', kind: 'multi' as const, maxLength: 2, rows: 3 },
      ],
    };
    const odd = await modelOf(root, {}, config);
    const feeds = encodeCampaign(odd.graph, odd.folder, {}, 1);
    expect(numbersOf(feeds['campaign.constructor']!)).toEqual([0]);
    expect(numbersOf(feeds['campaign.valueOf.length']!)).toEqual([0]);
  });
});

const feedsOf = (dtype: 'int32' | 'int64', count: number) => ({
  one: tensor(
    dtype,
    [count],
    Array.from({ length: count }, (_, i) => 10 * i),
  ),
  list: tensor(
    dtype,
    [count, 3],
    Array.from({ length: 3 * count }, (_, i) => 7 * i),
  ),
});

describe.each(['int32', 'int64'] as const)('takeFeeds and sliceFeeds of %s', (dtype) => {
  it('take rows in the given order, including repeats', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(4), { maxLength: 8 }), (rows) => {
        const taken = takeFeeds(feedsOf(dtype, 5), Int32Array.from(rows));
        const numbers = rows.flatMap((row) => [21 * row, 21 * row + 7, 21 * row + 14]);
        expect(taken['one']).toEqual(
          tensor(
            dtype,
            [rows.length],
            rows.map((row) => 10 * row),
          ),
        );
        expect(taken['list']).toEqual(tensor(dtype, [rows.length, 3], numbers));
      }),
    );
  });

  it('slice consecutive rows without a copy', () => {
    const feeds = feedsOf(dtype, 5);
    const slice = sliceFeeds(feeds, 1, 3);
    expect(slice).toEqual(takeFeeds(feeds, Int32Array.of(1, 2)));
    expect(slice['list']!.data.buffer).toBe(feeds.list.data.buffer);
    expect(sliceFeeds(feeds, 5, 5)['list']!.shape).toEqual([0, 3]);
  });
});
