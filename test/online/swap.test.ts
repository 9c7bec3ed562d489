/** Hidden tokens and their replacements, in a model's inputs and in the matrix of tokens. */
import { rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Feature } from '../../src/dataset/features.ts';
import { bind, hide } from '../../src/online/binding.ts';
import { encodeUsers } from '../../src/online/encode.ts';
import { type Hidden, hiddenBy, swapped, swapsOf } from '../../src/online/swap.ts';
import type { Population } from '../../src/population/read.ts';
import { keepTokens } from '../../src/training/history/kept-tokens.ts';
import { type ScaledFeature, withScales } from '../../src/training/history/number-scales.ts';
import { buildOneHot, findColumn, withSwaps } from '../../src/training/history/one-hot.ts';
import { modelOf, newRoot, populationOf } from './world.ts';

const root = newRoot();
afterAll(() => rmSync(root, { recursive: true, force: true }));

const FEATURES: readonly Feature[] = [
  { name: 'age', kind: 'single' },
  { name: 'tags', kind: 'multi' },
  { name: 'visits', kind: 'number' },
];
const USERS = Array.from({ length: 60 }, (_, i) => ({
  user_id: `u${i}`,
  age: `age ${1 + (i % 3)}`,
  tags: [`tags ${1 + (i % 5)}`, 'tags 6'],
  visits: i,
}));
const DRAWN = { age: ['age 1', 'age 2', 'age 3'], tags: ['tags 1', 'tags 2', 'tags 3', 'tags 6'] };

let population: Population;
let draws: Map<string, Int32Array>;
beforeAll(async () => {
  population = await populationOf(root, USERS, FEATURES);
  draws = new Map(
    Object.entries(DRAWN).map(([feature, tokens]) => [
      feature,
      Int32Array.from(tokens, (token) => population.dictionary(feature).find(token)),
    ]),
  );
});

const AGE: Hidden = { feature: 'age', tokens: ['age 3'] };
const TAGS: Hidden = { feature: 'tags', tokens: ['tags 1', 'tags 6'] };

describe('swapped', () => {
  it('leaves other tokens, and replaces a hidden one by one drawn for the user', () => {
    const swap = swapsOf(population, [AGE], draws).get('age')!;
    const codes = DRAWN.age.map((token) => population.dictionary('age').find(token));
    const [first, second, hidden] = codes as [number, number, number];
    expect(swapped(swap, 7, first)).toBe(first);
    const given = Array.from({ length: 200 }, (_, user) => swapped(swap, user, hidden));
    expect(new Set(given)).toEqual(new Set([first, second]));
    expect(given).toEqual(given.map((_, user) => swapped(swap, user, hidden)));
  });

  it('is 0 if every token is hidden', () => {
    const swap = swapsOf(population, [{ feature: 'age', tokens: DRAWN.age }], draws).get('age')!;
    expect(swapped(swap, 7, population.dictionary('age').find('age 1'))).toBe(0);
  });
});

describe('hide', () => {
  const encoded = async (hidden: readonly Hidden[]) => {
    const model = await modelOf(root);
    const binding = hide(bind(model.folder, population), swapsOf(population, hidden, draws));
    return encodeUsers(null, binding, population.readSegment(0));
  };

  it("swaps hidden tokens in a model's inputs: nobody has them, and lists are as long as before", async () => {
    const feeds = await encoded([AGE, TAGS]);
    const ages = [...(feeds['user.age']!.data as Int32Array)];
    expect(new Set(ages)).toEqual(new Set([1, 2]));
    expect(ages.filter((_, i) => i % 3 < 2)).toEqual(USERS.map((_, i) => 1 + (i % 3)).filter((_, i) => i % 3 < 2));
    const tags = feeds['user.tags']!.data as Int32Array;
    expect(new Set(tags)).toEqual(new Set([0, 2, 3, 4, 5]));
    expect(new Set(feeds['user.tags.length']!.data as Int32Array)).toEqual(new Set([2]));
  });
});

describe('withSwaps', () => {
  it("has hidden tokens swapped as in a model's inputs, and no hidden number", () => {
    const features = withScales(population, FEATURES);
    const whole = buildOneHot(population, features);
    const column = (feature: string, token: string) => findColumn(population, features, feature, token);
    const hidden = [AGE, { feature: 'visits', tokens: null }];
    const out = withSwaps(whole, population, features, swapsOf(population, hidden, draws));
    const [age, other] = [column('age', 'age 3'), column('tags', 'tags 6')];
    expect(whole.tokens).toContain(age);
    expect(out.tokens).not.toContain(age);
    expect(out.tokens.filter((token) => token === other)).toHaveLength(USERS.length);
    // one age and two tags each
    expect(out.tokens).toHaveLength(3 * USERS.length);
    const swap = swapsOf(population, [AGE], draws).get('age')!;
    const user = population.directory.find('u2');
    const code = swapped(swap, user, population.dictionary('age').find('age 3'));
    expect(out.tokens[out.offsets[user]!]).toBe(code);
  });
});

describe('withSwaps with a feature whose rarer tokens are cut', () => {
  it('swaps codes, not columns, and drops drawn tokens that are cut', () => {
    // tags 6 is the most frequent; of equal ones the first codes stay
    const features = keepTokens(population, withScales(population, FEATURES), 4);
    const [, { kept }] = features as [ScaledFeature, ScaledFeature];
    expect(kept!.codes).toHaveLength(4);
    const whole = buildOneHot(population, features);
    const swaps = swapsOf(population, [{ feature: 'tags', tokens: ['tags 6'] }], draws);
    const out = withSwaps(whole, population, features, swaps);
    expect(out.tokens).not.toContain(findColumn(population, features, 'tags', 'tags 6'));
    const tokenOf = (user: number) => {
      const dictionary = population.dictionary('tags');
      return dictionary.token(swapped(swaps.get('tags')!, user, dictionary.find('tags 6')));
    };
    for (const user of whole.users) {
      const own = out.tokens.subarray(out.offsets[user]!, out.offsets[user + 1]!);
      const column = findColumn(population, features, 'tags', tokenOf(user));
      if (column >= 0) expect(own).toContain(column);
    }
  });
});

describe('hiddenBy', () => {
  it('is what the campaigns hide; unknown ones hide nothing', () => {
    const byCampaign = new Map([
      ['a', [AGE]],
      ['b', [TAGS]],
    ]);
    expect(hiddenBy({ byCampaign, draws }, ['b', 'x', 'a'])).toEqual([TAGS, AGE]);
  });
});
