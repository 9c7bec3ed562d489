/** Tokens of a population as campaigns: which are drawn, who is in them, and what they hide. */
import { describe, expect, it } from 'vitest';
import type { Feature } from '../../src/dataset/features.ts';
import { createRng } from '../../src/lib/rng.ts';
import { withScales } from '../../src/training/history/number-scales.ts';
import { buildOneHot } from '../../src/training/history/one-hot.ts';
import { TOKEN_CHOICE, type TokenChoice, tokenCampaigns } from '../../src/training/history/self-supervised.ts';
import { useFolders } from '../fixture/folders.ts';
import { populationOf } from '../online/world.ts';

const newFolder = useFolders();
const USERS = 400;

type Record = Readonly<{ [feature: string]: unknown }>;

async function tokensOf(features: readonly Feature[], userOf: (user: number) => Record, choice?: Partial<TokenChoice>) {
  const users = Array.from({ length: USERS }, (_, i) => ({ user_id: `u${i}`, ...userOf(i) }));
  const population = await populationOf(newFolder(), users, features);
  const scaled = withScales(population, features);
  const source = { population, features: scaled, oneHot: buildOneHot(population, scaled) };
  const drawn = (key: string) => tokenCampaigns(source, { ...TOKEN_CHOICE, ...choice }, createRng(key));
  return { population, drawn };
}

const TAGS: Feature = { name: 'tags', kind: 'multi' };
/** Tags of a user by whether the user's number is a multiple. */
const tagged = (user: number, tags: Readonly<{ [tag: string]: number }>) =>
  Object.keys(tags).filter((tag) => user % tags[tag]! === 0);

describe('tokenCampaigns', () => {
  it('makes members of all holders, and others of ten times as many other users', async () => {
    const { population, drawn } = await tokensOf([TAGS], (user) => ({ tags: tagged(user, { rare: 19, other: 7 }) }));
    const [rare] = drawn('k').filter(({ token }) => token === 'rare');
    const { users, labels } = rare!.campaign.train;
    const withLabel = (label: number) => [...users].filter((_, row) => labels[row] === label);
    const numberOf = (user: number) => population.directory.find(`u${user}`);
    const holders = Array.from({ length: USERS }, (_, i) => i).filter((i) => i % 19 === 0);
    expect(withLabel(1).sort()).toEqual(holders.map(numberOf).sort());
    expect(withLabel(0)).toHaveLength(10 * holders.length);
    expect(new Set(users).size).toBe(users.length);
    expect(rare!.campaign).toMatchObject({ id: 'tags=rare', split: 'train', features: {} });
    expect(rare!.hidden).toEqual([{ feature: 'tags', tokens: ['rare'] }]);
  });

  it('draws the requested number of tokens with enough holders, but not nearly everybody, by the key', async () => {
    const many = Object.fromEntries([2, 3, 5, 7, 11, 13, 17, 19, 23].map((of) => [`of${of}`, of]));
    const userOf = (user: number) => ({ tags: [...tagged(user, many), ...(user < 300 ? ['most'] : [])] });
    const { drawn } = await tokensOf([TAGS], userOf, { campaigns: 4 });
    const tokens = (key: string) => drawn(key).map(({ token }) => token);
    // 23 has 18 holders, most more than half; of the 8 that are left all are candidates
    const all = new Set(Array.from({ length: 20 }, (_, i) => tokens(`${i}`)).flat());
    expect([...all].sort()).toEqual(['of11', 'of13', 'of17', 'of19', 'of2', 'of3', 'of5', 'of7']);
    expect(tokens('k')).toHaveLength(4);
    expect(tokens('k')).toEqual(tokens('k'));
    expect(tokens('k')).not.toEqual(tokens('l'));
  });

  it('takes fewer if they have too many holders together', async () => {
    const { drawn } = await tokensOf([TAGS], (user) => ({ tags: tagged(user, { a: 3, b: 5, c: 7 }) }), {
      holders: 150,
    });
    const sizes = drawn('k').map(({ campaign }) => campaign.train.labels.reduce((sum, label) => sum + label, 0));
    expect(sizes.length).toBeGreaterThan(0);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(150);
  });

  it('leaves sensitive features, numbers and vectors alone', async () => {
    const features: Feature[] = [
      { name: 'gender', kind: 'single', sensitive: true },
      { name: 'visits', kind: 'number' },
      TAGS,
    ];
    const userOf = (user: number) => ({ gender: `g${user % 3}`, visits: user % 50, tags: tagged(user, { a: 7 }) });
    const { drawn } = await tokensOf(features, userOf);
    expect(drawn('k').map(({ feature }) => feature)).toEqual(['tags']);
  });
});

describe('what a token hides', () => {
  it('includes a token with the same holders and one that implies it, but no other; neither is a campaign too', async () => {
    const favourites: Feature = { name: 'favourites', kind: 'multi' };
    const userOf = (user: number) => ({
      tags: tagged(user, { jazz: 4, swing: 4, blues: 3 }),
      favourites: tagged(user, { jazz: 8, rock: 5 }),
    });
    const { drawn } = await tokensOf([TAGS, favourites], userOf);
    const hidden = Object.fromEntries(drawn('k').map((one) => [one.campaign.id, one.hidden]));
    const jazz = [
      { feature: 'tags', tokens: expect.arrayContaining(['jazz', 'swing']) as unknown },
      { feature: 'favourites', tokens: ['jazz'] },
    ];
    const [name] = Object.keys(hidden).filter((id) => /jazz|swing/.test(id));
    expect(hidden).toEqual({
      [name!]: expect.arrayContaining(jazz) as unknown,
      'tags=blues': [{ feature: 'tags', tokens: ['blues'] }],
      'favourites=rock': [{ feature: 'favourites', tokens: ['rock'] }],
    });
  });

  it('includes a number with an equivalent band', async () => {
    const features: Feature[] = [TAGS, { name: 'visits', kind: 'number' }];
    const { drawn } = await tokensOf(features, (user) => ({
      visits: user % 100,
      tags: user % 100 < 20 ? ['newcomer'] : tagged(user, { a: 7 }),
    }));
    const hidden = Object.fromEntries(drawn('k').map((one) => [one.token, one.hidden]));
    expect(hidden).toEqual({
      newcomer: [
        { feature: 'tags', tokens: ['newcomer'] },
        { feature: 'visits', tokens: null },
      ],
      a: [{ feature: 'tags', tokens: ['a'] }],
    });
  });
});
