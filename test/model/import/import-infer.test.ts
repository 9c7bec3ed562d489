/** The proposed schema: found from inputs and look-ups, with notes about the rest. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  Builder,
  type DataType,
  GraphError,
  readModel,
  type Shape,
  tensor,
  type Value,
} from '../../../packages/onnx-grad/index.ts';
import { importModel } from '../../../src/model/import/import-model.ts';
import { inferSchema, type Proposal } from '../../../src/model/import/infer-schema.ts';
import { useFolders } from '../../fixture/folders.ts';
import { type Plain, writeFiles } from './import-files.ts';

const newFolder = useFolders();

const GOLDEN = join(import.meta.dirname, '..', '..', 'golden');
const EXPORTS = readdirSync(GOLDEN).filter((name) => existsSync(join(GOLDEN, name, 'model.onnx')));

interface ExpectedFeatures {
  readonly single: Readonly<Record<string, number>>;
  readonly multi: Readonly<Record<string, number>>;
  readonly multi_length: Readonly<Record<string, number>>;
  readonly campaign: Readonly<Record<string, number>>;
}

/**
 * Largest ids that look-ups do not reveal: hashed ids are unlimited, and an item that is selected from an output is in
 * no table.
 */
const HIDDEN: Readonly<Record<string, Readonly<Record<string, number | null>>>> = {
  'stacked-tables-opset18': { device: 12, kw: 12, advertiser: 12 },
  'tied-items-opset17': { item: null },
};

/** A graph of one input whose ids go through `indices` into a table of 40 rows. */
function propose(
  input: readonly [name: string, dtype: DataType, shape: Shape],
  indices: (b: Builder, ids: Value) => Value = (b, ids) =>
    ids.dtype === 'float32' ? b.add('Cast', [ids], { to: 'int64' }) : ids,
): Promise<Proposal> {
  const b = new Builder();
  const ids = b.input(...input);
  const table = b.initializer('table', tensor('float32', [40], new Array(40).fill(0.1)));
  const rows = b.add('Gather', [table, indices(b, ids)], { axis: 0 });
  return inferSchema(b.build('model', [rows]));
}

const number = (b: Builder, value: number, like: Value) => b.scalar(value, like);

describe('inferSchema', () => {
  it.each(EXPORTS)('finds the features of %s', async (name) => {
    const graph = readModel(readFileSync(join(GOLDEN, name, 'model.onnx')));
    const { features } = JSON.parse(readFileSync(join(GOLDEN, name, 'expected.json'), 'utf8')) as {
      features: ExpectedFeatures;
    };
    const size = (feature: string, largest: number) => {
      const hidden = HIDDEN[name]?.[feature];
      return hidden === null ? null : (hidden ?? largest) + 1;
    };
    const single = (list: Readonly<Record<string, number>>) =>
      Object.entries(list).map(([feature, largest]) => ({
        name: feature,
        kind: 'single',
        vocabulary_size: size(feature, largest),
      }));
    const multi = Object.entries(features.multi).map(([feature, largest]) => ({
      name: feature,
      kind: 'multi',
      max_length: features.multi_length[feature],
      vocabulary_size: size(feature, largest),
    }));
    const { schema, notes } = await inferSchema(graph);
    expect(schema.features).toEqual({
      user: [...single(features.single), ...multi],
      campaign: single(features.campaign),
    });
    if (!HIDDEN[name]) expect(notes).toEqual([]);
  });

  it('notes shared tables and hashed ids', async () => {
    const graph = readModel(readFileSync(join(GOLDEN, 'stacked-tables-opset18', 'model.onnx')));
    expect((await inferSchema(graph)).notes).toEqual([
      'the table of input "user.age" is shared: the rows of another feature start after the first 17',
      'the table of input "user.phone" is shared: the rows of another feature start after the first 10',
      'ids of input "user.device" are hashed or clipped: the first 13 have their own rows',
      'ids of input "user.kw" are hashed or clipped: the first 13 have their own rows',
      'ids of input "campaign.advertiser" are hashed or clipped: the first 13 have their own rows',
    ]);
  });

  it.each<[string, (b: Builder, ids: Value) => Value, number]>([
    ['plain ids', (_, ids) => ids, 40],
    ['an offset', (b, ids) => b.add('Add', [ids, number(b, 17, ids)]), 23],
    ['a cast and an axis', (b, ids) => b.add('Unsqueeze', [b.add('Cast', [ids], { to: 'int32' }), b.ints([1])]), 40],
    ['a clip', (b, ids) => b.add('Min', [ids, number(b, 9, ids)]), 10],
    ['a hash', (b, ids) => b.add('Mod', [ids, number(b, 31, ids)]), 31],
  ])('finds the size behind %s', async (_what, indices, size) => {
    const { schema } = await propose(['user.age', 'int64', ['batch']], indices);
    expect(schema.features.user).toEqual([{ name: 'age', kind: 'single', vocabulary_size: size }]);
  });

  it.each<[string, [string, DataType, Shape], string]>([
    [
      'another name',
      ['age', 'int64', ['batch']],
      'input "age" is assumed to be "user.age": write campaign.<feature> in "inputs" if it belongs to a campaign',
    ],
    ['a matrix', ['X', 'float32', ['batch', 3]], 'input "X" is a matrix: list the feature of each column in "inputs"'],
    [
      'a list without lengths',
      ['user.tags', 'int64', ['batch', 3]],
      'input "user.tags" is assumed to be a list padded with 0, because no input "user.tags.length" has the ' +
        'number of tokens',
    ],
    [
      'a list of any length',
      ['user.tags', 'int64', ['batch', 'n']],
      'input "user.tags" does not specify a maximum length: fill in max_length',
    ],
    [
      'a rank too many',
      ['user.tags', 'int64', ['batch', 2, 2]],
      'input "user.tags" is int64[batch, 2, 2], not int32 or int64 ids, or float32 numbers, of rank 1 or 2',
    ],
  ])('notes %s', async (_what, input, note) => {
    expect((await propose(input)).notes).toContain(note);
  });

  it('notes an id 0 that is in no table', async () => {
    const { schema, notes } = await propose(['user.age', 'int64', ['batch']], (b, ids) =>
      b.add('Add', [ids, number(b, 40, ids)]),
    );
    expect(schema.features.user[0]?.vocabulary_size).toBeNull();
    expect(notes).toEqual(['id 0 of input "user.age" has no row in a table, but it means unknown or empty']);
  });

  it('guesses the meaning of inputs with other names', async () => {
    const b = new Builder();
    const hist = b.input('hist', 'int64', ['batch', 4]);
    const [length, topic] = [b.input('hist_len', 'int64', ['batch']), b.input('campaign_topic', 'int64', ['batch'])];
    const column = b.input('age', 'float32', ['batch', 1]);
    const table = b.initializer('table', tensor('float32', [40], new Array(40).fill(0.1)));
    const outputs = [hist, topic, b.add('Cast', [column], { to: 'int64' })].map((ids) => b.add('Gather', [table, ids]));
    const { schema, notes } = await inferSchema(b.build('model', [...outputs, b.add('Neg', [length])]));
    expect(schema).toEqual({
      inputs: { hist: 'user.hist', hist_len: 'user.hist.length', campaign_topic: 'campaign.topic', age: 'user.age' },
      features: {
        user: [
          { name: 'hist', kind: 'multi', max_length: 4, vocabulary_size: 40 },
          { name: 'age', kind: 'single', vocabulary_size: 40 },
        ],
        campaign: [{ name: 'topic', kind: 'single', vocabulary_size: 40 }],
      },
    });
    expect(notes).toHaveLength(4);
    expect(notes).toContain('input "hist_len" is assumed to be the length of "hist"');
  });

  it.each<[string, string, number | string, object]>([
    ['a vector', 'taste', 16, { name: 'taste', kind: 'vector', size: 16, missing: 0 }],
    ['a vector of the contract', 'user.taste', 16, { name: 'taste', kind: 'vector', size: 16, missing: 0 }],
    ['a vector of a size to fill in', 'taste', 'n', { name: 'taste', kind: 'vector', size: null, missing: 0 }],
    ['a number', 'age', 1, { name: 'age', kind: 'number', missing: 0 }],
  ])('proposes %s for floats that are computed with', async (_what, name, width, feature) => {
    const b = new Builder();
    const { schema } = await inferSchema(
      b.build('model', [b.add('Neg', [b.input(name, 'float32', ['batch', width])])]),
    );
    expect(schema.features.user).toEqual([feature]);
  });

  it('proposes a schema that imports a PyTorch export with a vector and a number unchanged', async () => {
    const bytes = readFileSync(join(GOLDEN, 'other-inputs', 'vector-opset17.onnx'));
    const { schema, notes } = await inferSchema(readModel(bytes));
    expect(schema).toEqual({
      inputs: { city: 'user.city', taste: 'user.taste', age: 'user.age' },
      features: {
        user: [
          { name: 'city', kind: 'single', vocabulary_size: 10 },
          { name: 'taste', kind: 'vector', size: 16, missing: 0 },
          { name: 'age', kind: 'number', missing: 0 },
        ],
        campaign: [],
      },
    });
    expect(notes.join('\n')).toContain('input "taste" is assumed to be the vector "user.taste"');
    const { options } = writeFiles(newFolder(), bytes, schema as unknown as Plain);
    const { refused } = await importModel(options);
    expect(refused).toEqual([]);
  });

  it('notes that lists of one width may be parallel', async () => {
    const b = new Builder();
    const [items, shops] = ['items', 'shops'].map((name) => b.input(name, 'int64', ['batch', 4]));
    b.input('weights', 'float32', ['batch', 4]);
    const table = b.initializer('table', tensor('float32', [40], new Array(40).fill(0.1)));
    const { notes } = await inferSchema(
      b.build(
        'model',
        [items!, shops!].map((ids) => b.add('Gather', [table, ids])),
      ),
    );
    const parallel = notes.filter((note) => note.includes('"unknown": "keep"'));
    expect(parallel.map((note) => note.slice(0, 20))).toEqual(['input "items" is as ', 'input "shops" is as ']);
  });

  it.each<[string, (b: Builder, ids: Value) => Value]>([
    ['of tens', (b, ids) => b.add('Min', [b.add('Div', [ids, number(b, 10, ids)]), number(b, 9, ids)])],
    [
      'that grow',
      (b, ids) => {
        const small = b.add('Min', [ids, number(b, 3, ids)]);
        const tens = b.add('Min', [b.add('Div', [ids, number(b, 10, ids)]), number(b, 3, ids)]);
        return b.add('Add', [small, tens]);
      },
    ],
  ])('does not know the size behind buckets %s', async (_what, indices) => {
    const { schema, notes } = await propose(['user.count', 'int64', ['batch']], indices);
    expect(schema.features.user[0]?.vocabulary_size).toBeNull();
    expect(notes).toEqual(['ids of input "user.count" are cut into buckets: fill in its vocabulary_size']);
  });

  it('notes an input that indexes no table', async () => {
    const b = new Builder();
    const age = b.input('user.age', 'int64', ['batch']);
    const graph = b.build('model', [b.add('Cast', [age], { to: 'float32' })]);
    expect((await inferSchema(graph)).notes).toEqual([
      'input "user.age" is not looked up in any table: fill in its vocabulary_size',
    ]);
  });

  it('refuses lists that are too long to be tried', async () => {
    await expect(propose(['user.tags', 'int64', ['batch', 1e12]])).rejects.toThrow(GraphError);
  });
});
