/** A test expansion runs an expansion on made-up users: a model that would fail is refused, naming the node. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { createRng } from '../../src/lib/rng.ts';
import { importModel } from '../../src/model/import/import-model.ts';
import { type GeneralModel, loadModel } from '../../src/model/load.ts';
import { loadTestedModel, makeUsers, testExpansion } from '../../src/online/test-expansion.ts';
import { DEFAULT_DESCENT } from '../../src/training/choices/descent.ts';
import { headsModel } from './heads-world.ts';
import { ofFewUsers, plain, writeKinds } from './kinds-model.ts';
import { modelOf, newRoot } from './world.ts';

const root = newRoot();
afterAll(() => rmSync(root, { recursive: true, force: true }));

async function imported(folder: string): Promise<GeneralModel> {
  const [file, schema, out] = ['export.onnx', 'schema.json', 'model'].map((name) => join(folder, name));
  await importModel({ file: file!, schema: schema!, out: out!, created: '2026-11-28T12:00:00.000Z' });
  return loadModel(out!);
}

describe('testExpansion', () => {
  it('adapts, scores and exports with floats, vectors and lists of users and of the campaign', async () => {
    const model = await imported(writeKinds(root, plain));
    const { apart } = await testExpansion(model);
    expect(apart).toBeLessThanOrEqual(1e-6);
    expect(await testExpansion(model)).toEqual(await testExpansion(model));
  });

  it.each([
    ['by Adam', () => modelOf(root)],
    ['by descent of its heads', () => headsModel(root)],
    ['with a regression', () => headsModel(root, { regression: DEFAULT_DESCENT.regression })],
  ])('accepts a model that is adapted %s, and does not change its settings', async (_, open) => {
    const model = await open();
    const before = structuredClone(model.manifest);
    expect((await testExpansion(model)).apart).toBeLessThanOrEqual(1e-6);
    expect(model.manifest).toEqual(before);
  });

  it('leaves the exported file out on request', async () => {
    expect((await testExpansion(await modelOf(root), { withoutExport: true })).apart).toBeNull();
  });

  it('refuses a model that can score only a few users, naming the node', async () => {
    const folder = writeKinds(root, ofFewUsers);
    const model = await imported(folder);
    await expect(testExpansion(model)).rejects.toMatchObject({
      code: 'invalid_model',
      message: expect.stringMatching(
        /^model .*model: the model fails to adapt in a test expansion: .*'(places|beside)'/s,
      ),
    });
    await expect(loadTestedModel(join(folder, 'model'))).rejects.toMatchObject({ code: 'invalid_model' });
  });

  it('refuses a model that gives an all-padding list no score, and says so', async () => {
    const folder = writeKinds(root, (b, rows, inputs) => {
      const { hist } = inputs;
      const is = b.add('Cast', [b.add('Greater', [hist, b.scalar(0, 'int64')])], { to: 'float32' });
      const count = b.add('ReduceSum', [is, b.ints([1])], { keepdims: 1 });
      const weighted = b.add('Mul', [rows, b.add('Unsqueeze', [is, b.ints([2])])]);
      return b.add('Div', [plain(b, weighted, inputs), count], {}, { name: 'mean' });
    });
    await expect(imported(folder)).rejects.toMatchObject({
      code: 'invalid_model',
      message: expect.stringMatching(
        /random user 0 is NaN: Div node "mean" is the first to produce NaN\. Likely cause: the row of "hist" is all padding/,
      ),
    });
  });
});

describe('makeUsers', () => {
  it('has a user without values, one with the last tokens and a list that is too long, and an unknown token', async () => {
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
