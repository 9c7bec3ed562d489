/** The differences between two model folders. */
import { describe, expect, it } from 'vitest';
import { type Graph, tensor, writeModel } from '../../packages/onnx-grad/index.ts';
import { differenceOf, diffModels } from '../../src/model/diff.ts';
import { useFolders } from '../fixture/folders.ts';
import { TINY, tinyGraph, unversionedModel, writeTinyModel } from './tiny-model.ts';

const newFolder = useFolders();

/** The tiny model with other elements of a parameter. */
function withParameter(name: string, change: (x: number, i: number) => number): Graph {
  const graph = tinyGraph();
  const source = graph.initializers.get(name)!;
  const data = (source.data as Float32Array).map(change);
  return { ...graph, initializers: new Map([...graph.initializers, [name, { ...source, data }]]) };
}

async function pair(change: Parameters<typeof writeTinyModel>[1]): Promise<[string, string]> {
  const [before, after] = [newFolder(), newFolder()];
  await writeTinyModel(before);
  await writeTinyModel(after, change);
  return [before, after];
}

describe('diffModels', () => {
  it('finds no difference between equal models', async () => {
    expect(diffModels(...(await pair(undefined)))).toEqual({
      fields: [],
      features: { added: [], removed: [] },
      vocabularies: [],
      parameters: { added: [], removed: [], reshaped: [], changed: [], equal: tinyGraph().initializers.size },
      ops: [],
    });
  });

  it('names the fields of the manifest by their path', async () => {
    const folders = await pair(({ manifest }) => ({
      manifest: { ...manifest, name: 'other', adaptation: { ...manifest.adaptation, rate: 0.5 } },
    }));
    const { fields } = diffModels(...folders);
    expect(fields).toEqual([
      { field: 'name', before: 'tiny', after: 'other' },
      { field: 'version', before: expect.stringMatching(/^[0-9a-f]{12}$/), after: expect.any(String) },
      { field: 'adaptation.rate', before: 0.01, after: 0.5 },
    ]);
  });

  it('measures parameters of the same shape, the most different first', async () => {
    const graph = withParameter('critics.bias', (x, i) => (i === 0 ? x + 0.5 : x));
    const table = graph.initializers.get('user.age.embedding')!;
    const moved = { ...table, data: (table.data as Float32Array).map((x) => x + 1) };
    const both = { ...graph, initializers: new Map([...graph.initializers, ['user.age.embedding', moved]]) };
    const { parameters } = diffModels(...(await pair(() => ({ files: new Map([['model.onnx', writeModel(both)]]) }))));
    expect(parameters.changed).toEqual([
      { name: 'user.age.embedding', type: 'float32[5, 2]', largest: expect.closeTo(1, 6), mean: expect.closeTo(1, 6) },
      { name: 'critics.bias', type: 'float32[3]', largest: expect.closeTo(0.5, 6), mean: expect.closeTo(0.5 / 3, 6) },
    ]);
    expect(parameters.equal).toBe(tinyGraph().initializers.size - 2);
  });

  it('names features and tokens that were added, removed or moved, reshaped parameters, and ops', async () => {
    const config = {
      ...TINY,
      user: [
        { name: 'age', kind: 'single' as const, rows: 6 },
        { name: 'city', kind: 'single' as const, rows: 3 },
      ],
    };
    const [before, after] = [newFolder(), newFolder()];
    await writeTinyModel(before);
    const unversioned = await unversionedModel(tinyGraph(config), config);
    const ages = ['age 2', 'age 1', 'age 3', 'age 5', 'age 6'];
    await writeTinyModel(after, () => ({
      ...unversioned,
      vocabularies: new Map([...unversioned.vocabularies, ['user.age', ages]]),
    }));
    const diff = diffModels(before, after);
    expect(diff.features).toEqual({ added: ['user.city'], removed: ['user.tags'] });
    expect(diff.vocabularies).toEqual([
      { feature: 'user.age', added: ['age 5', 'age 6'], removed: ['age 4'], renumbered: 2 },
    ]);
    expect(diff.fields).toContainEqual({ field: 'features.user.age.vocabulary_size', before: 5, after: 6 });
    expect(diff.parameters).toMatchObject({
      added: ['user.city.embedding'],
      removed: ['user.tags.embedding'],
      reshaped: [{ name: 'user.age.embedding', before: 'float32[5, 2]', after: 'float32[6, 2]' }],
    });
    expect(diff.ops).toContainEqual({ op: 'Less', before: 2, after: 1 });
  });

  it('refuses a folder that is not a model', async () => {
    const [before] = await pair(undefined);
    expect(() => diffModels(before, newFolder())).toThrow('the folder contains no manifest.json');
  });
});

describe('differenceOf', () => {
  const of = (...values: number[]) => tensor('float32', [values.length], values);

  it.each([
    [of(1, 2), of(1, 4), 2, 1],
    [of(), of(), 0, 0],
    [of(Number.POSITIVE_INFINITY, Number.NaN), of(Number.POSITIVE_INFINITY, Number.NaN), 0, 0],
    [of(0, 1, 2), of(0, Number.NaN, 3), Number.NaN, Number.NaN],
    [tensor('int64', [2], [1, 5]), tensor('int64', [2], [1, 2]), 3, 1.5],
  ])('of %o and %o', (a, b, largest, mean) => {
    expect(differenceOf(a, b)).toEqual({ largest, mean });
  });
});
