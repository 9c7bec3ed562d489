/** Binding a model to a population. */
import { rmSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { bind, withoutTokens } from '../../src/online/binding.ts';
import { encodeUsers } from '../../src/online/encode.ts';
import { modelOf, newRoot, populationOf } from './world.ts';

const root = newRoot();
afterAll(() => rmSync(root, { recursive: true, force: true }));

const USERS = [
  { user_id: 'a', age: 'age 3', tags: ['tags 5', 'new'] },
  { user_id: 'b', age: 'ancient', tags: [] },
  { user_id: 'c', age: null, tags: ['tags 1', 'tags 5'] },
];

describe('bind', () => {
  it("maps each dictionary code to the model's id, and 0 for the missing code and unknown tokens", async () => {
    const model = await modelOf(root);
    const population = await populationOf(root, USERS);
    const { features } = bind(model.folder, population);
    expect(features.map(({ name, kind, maxLength }) => ({ name, kind, maxLength }))).toEqual([
      { name: 'age', kind: 'single', maxLength: 0 },
      { name: 'tags', kind: 'multi', maxLength: 3 },
    ]);
    const [age, tags] = features;
    expect(age!.tokenIds[0]).toBe(0);
    const idOf = (feature: string, token: string): number => {
      const code = population.dictionary(feature).find(token);
      expect(code).toBeGreaterThan(0);
      return features.find(({ name }) => name === feature)!.tokenIds[code]!;
    };
    expect(idOf('age', 'age 3')).toBe(3);
    expect(idOf('age', 'ancient')).toBe(0);
    expect(idOf('tags', 'tags 1')).toBe(1);
    expect(idOf('tags', 'tags 5')).toBe(5);
    expect(idOf('tags', 'new')).toBe(0);
    expect([age!.unknownTokens, tags!.unknownTokens]).toEqual([1, 1]);
  });

  it("takes the model's order of features, and leaves out features that the model does not read", async () => {
    const model = await modelOf(root);
    const population = await populationOf(
      root,
      USERS.map((user) => ({ ...user, city: 'Rome' })),
      [
        { name: 'city', kind: 'single' },
        { name: 'tags', kind: 'multi' },
        { name: 'age', kind: 'single' },
      ],
    );
    expect(bind(model.folder, population).features.map(({ name }) => name)).toEqual(['age', 'tags']);
  });

  it('refuses a population that lacks a feature, naming both', async () => {
    const model = await modelOf(root);
    const population = await populationOf(root, USERS, [{ name: 'age', kind: 'single' }]);
    expect(() => bind(model.folder, population)).toThrow(
      expect.objectContaining({
        code: 'invalid_model',
        message: `the model needs user feature "tags", but the population ${population.path} does not have it`,
      }),
    );
  });

  it('refuses a feature of another kind', async () => {
    const model = await modelOf(root);
    const users = USERS.map((user) => ({ ...user, age: [] }));
    const population = await populationOf(root, users, [
      { name: 'age', kind: 'multi' },
      { name: 'tags', kind: 'multi' },
    ]);
    expect(() => bind(model.folder, population)).toThrow(
      expect.objectContaining({
        code: 'invalid_model',
        message: 'user feature "age" is single in the model, but multi in the population',
      }),
    );
  });
});

describe('withoutTokens', () => {
  it('encodes users as if nobody had the tokens, and leaves the binding as it was', async () => {
    const model = await modelOf(root);
    const population = await populationOf(root, USERS);
    const bare = await populationOf(
      root,
      USERS.map((user) => ({ ...user, tags: user.tags.filter((tag) => tag !== 'tags 5') })),
    );
    const encoded = (of: typeof population, binding = bind(model.folder, of)) =>
      encodeUsers(model.graph, binding, of.readSegment(0));
    const whole = bind(model.folder, population);
    const left = withoutTokens(whole, 'tags', new Set([5]));
    expect(encoded(population, left)).toEqual(encoded(bare));
    expect(encoded(population, left)).not.toEqual(encoded(population));
    expect(whole).toEqual(bind(model.folder, population));
    // the same id of another feature stays
    expect(left.features[0]).toEqual(whole.features[0]);
    expect(encoded(population, withoutTokens(whole, 'age', new Set([3])))['user.tags']).toEqual(
      encoded(population)['user.tags'],
    );
  });
});
