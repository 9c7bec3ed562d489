/** Campaigns of a service as train and test campaigns: who is a member, who is hidden, what is too little. */
import { beforeAll, describe, expect, it } from 'vitest';
import { holdOut } from '../../src/offline/held-out.ts';
import { prepareServed, type ServedCampaign } from '../../src/offline/served-campaigns.ts';
import { featuresOfValues } from '../../src/offline/value-features.ts';
import type { Population } from '../../src/population/population.ts';
import { temporaryFolder } from '../fixture/folders.ts';
import { populationOf } from '../online/world.ts';

const USERS = 400;
const NOBODY = new Int32Array(0);
const users = (from: number, to: number) => Int32Array.from({ length: to - from }, (_, i) => from + i);

let population: Population;
beforeAll(async () => {
  const people = Array.from({ length: USERS }, (_, i) => ({ user_id: `u${i}`, city: `city ${i % 5}` }));
  population = await populationOf(temporaryFolder(), people, [{ name: 'city', kind: 'single' }]);
});

function campaign(i: number, changes: Partial<ServedCampaign> = {}): ServedCampaign {
  const rest = { conversions: NOBODY, clicks: NOBODY, dismissals: NOBODY };
  return { id: `c${i}`, createdAt: 1000 * i, features: {}, seeds: users(0, 30), ...rest, ...changes };
}

const prepare = (campaigns: readonly ServedCampaign[], test = false, least = 1) =>
  prepareServed(population.path, () => campaigns, { source: 'data', seed: 1, least, test });

const withLabel = ({ users: all, labels }: { users: Int32Array; labels: Uint8Array }, label: number) =>
  [...all].filter((_, row) => labels[row] === label).sort((a, b) => a - b);

describe('prepareServed', () => {
  it('makes members of seeds and who converted, less who dismissed, who has label 0; who clicked is left out', () => {
    const { prepared } = prepare([
      campaign(1, { conversions: users(40, 45), clicks: users(50, 60), dismissals: Int32Array.of(3, 70) }),
    ]);
    const [made] = prepared.history.campaigns;
    const members = [...users(0, 3), ...users(4, 30), ...users(40, 45)];
    expect(withLabel(made!.train, 1)).toEqual(members);
    const others = withLabel(made!.train, 0);
    expect(others).toEqual(expect.arrayContaining([3, 70]));
    expect(others.filter((user) => (user >= 50 && user < 60) || members.includes(user))).toEqual([]);
    expect(others.length).toBe(2 + Math.min(10 * members.length, USERS - members.length - 10 - 2));
    expect(made).toMatchObject({ id: 'c1', split: 'train', features: {} });
    expect(prepared.until).toEqual(new Date(1000));
  });

  it('makes test campaigns of the newest fifth, with half of the seeds hidden and nobody who reacted', () => {
    const all = Array.from({ length: 30 }, (_, i) =>
      campaign(i, { conversions: users(40, 45), clicks: users(50, 60), dismissals: users(60, 70) }),
    );
    const { prepared, testedAt } = prepare(all, true);
    const { campaigns } = prepared.history;
    expect(campaigns.filter(({ split }) => split === 'test').map(({ id }) => id)).toEqual(
      all.slice(24).map(({ id }) => id),
    );
    expect(testedAt).toEqual(all.slice(24).map(({ createdAt }) => createdAt));
    expect(prepared.until).toEqual(new Date(23_000));
    const last = campaigns.at(-1)!;
    const hidden = withLabel(last.evaluation, 1);
    expect([...last.seeds, ...hidden].sort((a, b) => a - b)).toEqual([...users(0, 30)]);
    expect(last.seeds).toHaveLength(15);
    const reacted = new Set([...users(40, 45), ...users(50, 70)]);
    const others = withLabel(last.evaluation, 0);
    expect(others).toHaveLength(USERS - 30 - reacted.size);
    expect(others.filter((user) => reacted.has(user))).toEqual([]);
  });

  it('has training hold out the newest', () => {
    const { prepared } = prepare(Array.from({ length: 10 }, (_, i) => campaign(i)));
    const { held, training } = holdOut(prepared.history.campaigns, 0.2, 'key', prepared.until !== undefined);
    expect(held.map(({ id }) => id)).toEqual(['c8', 'c9']);
    expect(training).toHaveLength(8);
  });

  it('leaves out campaigns of few seeds, and says how many are there and how many are needed', () => {
    const few = campaign(1, { seeds: users(0, 25), dismissals: users(0, 6) });
    expect(prepare([few, campaign(2)]).tooSmall).toEqual(['c1']);
    expect(() => prepare([few, campaign(2)], true, 10)).toThrow(
      expect.objectContaining({
        code: 'invalid_data',
        message: expect.stringMatching(/data has 1 campaigns .* \(of 2 .*\), and 10 are needed: .*--self-supervised/),
        facts: { campaigns: 1, needed: 10 },
      }),
    );
  });
});

describe('featuresOfValues', () => {
  it('tells kinds from values, and leaves out what has several', () => {
    expect(
      featuresOfValues([
        { brand: 'a', genres: ['x', 'y'], price: 3, taste: [1, 2], mixed: 1, bad: [1] },
        { brand: 'b', genres: 'x', price: 4.5, taste: [0, 1], mixed: 'one', bad: [1, 2] },
        {},
      ]),
    ).toEqual([
      { name: 'brand', kind: 'single' },
      { name: 'genres', kind: 'multi', maxLength: 2 },
      { name: 'price', kind: 'number' },
      { name: 'taste', kind: 'vector', size: 2 },
    ]);
  });
});
