/** A test expansion runs what an expansion runs, on made-up users: what would fail there is refused, with its node. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { Builder, tensor, type Value, writeModel } from '../../src/graph/index.ts';
import { createRng } from '../../src/lib/rng.ts';
import { importModel } from '../../src/model/import-model.ts';
import { type GeneralModel, loadModel } from '../../src/model/load.ts';
import { DEFAULT_DESCENT } from '../../src/offline/descent.ts';
import { makeUsers } from '../../src/online/made-users.ts';
import { loadTestedModel, testExpansion } from '../../src/online/test-expansion.ts';
import { newFolder } from '../fixture/folders.ts';
import { headsModel } from './heads-world.ts';
import { modelOf, newRoot } from './world.ts';

const root = newRoot();
afterAll(() => rmSync(root, { recursive: true, force: true }));

interface Inputs {
  readonly age: Value;
  readonly hist: Value;
  readonly place: Value;
  readonly campaign: Value;
}

const SCHEMA = {
  features: {
    user: [
      { name: 'age', kind: 'number' },
      { name: 'hist', kind: 'multi', max_length: 3, vocabulary_size: 6 },
      { name: 'place', kind: 'vector', size: 2, missing: 0.5 },
    ],
    campaign: [
      { name: 'price', kind: 'number' },
      { name: 'text', kind: 'vector', size: 2 },
      { name: 'words', kind: 'multi', max_length: 2, vocabulary_size: 4 },
    ],
  },
};

/** A model of every kind of input; `pooled` is made of its list, `[batch, 2]`. */
async function write(pooled: (b: Builder, rows: Value, inputs: Inputs) => Value): Promise<string> {
  const b = new Builder();
  const inputs: Inputs = {
    age: b.input('user.age', 'float32', ['batch']),
    hist: b.input('user.hist', 'int64', ['batch', 3]),
    place: b.input('user.place', 'float32', ['batch', 2]),
    campaign: b.input('campaign.price', 'float32', [1]),
  };
  const text = b.input('campaign.text', 'float32', ['batch', 2]);
  const words = b.input('campaign.words', 'int64', ['batch', 2]);
  const table = (name: string, rows: number) =>
    b.initializer(
      name,
      tensor(
        'float32',
        [rows, 2],
        Float32Array.from({ length: 2 * rows }, (_, i) => Math.sin(i)),
      ),
    );
  const rows = b.add('Gather', [table('hist', 6), inputs.hist], { axis: 0 });
  const mean = b.add('ReduceMean', [b.add('Gather', [table('words', 4), words], { axis: 0 }), b.ints([1])], {
    keepdims: 0,
  });
  const parts = [pooled(b, rows, inputs), inputs.place, text, mean].map((part) =>
    b.add('ReduceSum', [part, b.ints([1])], { keepdims: 0 }),
  );
  const sum = parts.reduce((all, part) => b.add('Add', [all, part]), b.add('Mul', [inputs.age, inputs.campaign]));
  const score = b.add(
    'Sigmoid',
    [b.add('Mul', [sum, b.initializer('scale', tensor('float32', [1], [0.3]))])],
    {},
    {
      outputs: ['score'],
    },
  );
  const folder = newFolder(root);
  writeFileSync(join(folder, 'export.onnx'), writeModel(b.build('every kind', [score])));
  writeFileSync(join(folder, 'schema.json'), JSON.stringify(SCHEMA));
  return folder;
}

const plain = (b: Builder, rows: Value) => b.add('ReduceSum', [rows, b.ints([1])], { keepdims: 0 });

async function imported(folder: string): Promise<GeneralModel> {
  const [file, schema, out] = ['export.onnx', 'schema.json', 'model'].map((name) => join(folder, name));
  await importModel({ file: file!, schema: schema!, out: out!, created: '2026-11-28T12:00:00.000Z' });
  return loadModel(out!);
}

describe('testExpansion', () => {
  it('adapts, scores and exports with floats, vectors and lists of users and of the campaign', async () => {
    const model = await imported(await write(plain));
    const { apart } = await testExpansion(model);
    expect(apart).toBeLessThanOrEqual(1e-6);
    expect(await testExpansion(model)).toEqual(await testExpansion(model));
  });

  it.each([
    ['by Adam', () => modelOf(root)],
    ['by descent of its heads', () => headsModel(root)],
    ['with a regression', () => headsModel(root, { regression: DEFAULT_DESCENT.regression })],
  ])('passes a model that is adapted %s, and leaves its settings as they are', async (_, open) => {
    const model = await open();
    const before = structuredClone(model.manifest);
    expect((await testExpansion(model)).apart).toBeLessThanOrEqual(1e-6);
    expect(model.manifest).toEqual(before);
  });

  it('leaves the exported file out on request', async () => {
    expect((await testExpansion(await modelOf(root), { withoutExport: true })).apart).toBeNull();
  });

  it('refuses a model that scores few users alone, naming the node', async () => {
    // a place for each of 64 users of a batch: more users than the golden batch and a dry run have
    const folder = await write((b, rows, { age }) => {
      const places = b.initializer('places', tensor('float32', [64, 2], new Float32Array(128).fill(0.1)));
      const count = b.add('Squeeze', [b.add('Shape', [age]), b.ints([0])]);
      const range = b.add('Range', [b.scalar(0, 'int64'), count, b.scalar(1, 'int64')]);
      const own = b.add(
        'Gather',
        [b.add('Mul', [places, b.scalar(1, places)]), range],
        { axis: 0 },
        { name: 'places' },
      );
      return b.add('Add', [plain(b, rows), own], {}, { name: 'beside' });
    });
    const model = await imported(folder);
    await expect(testExpansion(model)).rejects.toMatchObject({
      code: 'invalid_model',
      message: expect.stringMatching(/^model .*model: it fails to adapt in a test expansion: .*'(places|beside)'/s),
    });
    await expect(loadTestedModel(join(folder, 'model'))).rejects.toMatchObject({ code: 'invalid_model' });
  });

  it('refuses a folder whose list of padding alone has no score, and says so', async () => {
    const folder = await write((b, rows, { hist }) => {
      const is = b.add('Cast', [b.add('Greater', [hist, b.scalar(0, 'int64')])], { to: 'float32' });
      const count = b.add('ReduceSum', [is, b.ints([1])], { keepdims: 1 });
      const weighted = b.add('Mul', [rows, b.add('Unsqueeze', [is, b.ints([2])])]);
      return b.add('Div', [plain(b, weighted), count], {}, { name: 'mean' });
    });
    await expect(imported(folder)).rejects.toMatchObject({
      code: 'invalid_model',
      message: expect.stringMatching(
        /random user 0 is NaN: Div node "mean" is the first to make it\. Likely cause: the row of "hist" is all padding/,
      ),
    });
  });
});

describe('makeUsers', () => {
  it('has a user of nothing, one of the last tokens and a list that is too long, and an unknown token', async () => {
    const { folder } = await modelOf(root);
    const users = makeUsers(folder, 50, createRng('users'));
    const rows = users.readRows(Int32Array.of(0, 1));
    const tags = rows.columns.get('tags')!;
    expect(rows.columns.get('age')).toEqual({ kind: 'single', codes: Int32Array.of(0, 1) });
    expect(users.dictionary('age').token(1)).toBe('age 4');
    expect(tags).toEqual({ kind: 'multi', offsets: Int32Array.of(0, 0, 5), codes: new Int32Array(5).fill(1) });
    const known = new Set(folder.vocabularies.get('user.age')!.tokens);
    const { size } = users.dictionary('age');
    expect(Array.from({ length: size - 1 }, (_, i) => known.has(users.dictionary('age').token(i + 1)))).toContain(
      false,
    );
  });
});
