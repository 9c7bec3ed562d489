/** Held-out campaigns: how many, and what training forgets with them. */
import { describe, expect, it } from 'vitest';
import { holdOut, withoutUsersWithoutPositives } from '../../src/training/history/held-out.ts';
import type { CampaignHistory } from '../../src/training/history/history.ts';
import { campaignOf, range } from './planted.ts';

/** Ten campaigns of users of their own. */
const APART = range(0, 10).map((c) =>
  campaignOf(`c${c}`, range(100 * c, 100 * c + 10), range(100 * c + 10, 100 * c + 50)),
);

describe('holdOut', () => {
  it.each([
    [1, 0.2, 0],
    [2, 0.5, 0],
    [3, 0.1, 1],
    [10, 0.2, 2],
    [10, 0.25, 3],
  ])('holds out of %i campaigns, at a share of %d, %i', (count, share, expected) => {
    const { training, held } = holdOut(APART.slice(0, count), share, 'key');
    expect([held.length, training.length]).toEqual([expected, count - expected]);
    expect([...training, ...held].map(({ id }) => id).sort()).toEqual(APART.slice(0, count).map(({ id }) => id));
  });

  it("takes the held-out campaigns' members out of the training rows, with their labels", () => {
    // user 5 of each campaign's own hundred has a row in every other one as well
    const shown = range(0, 10).map((c) => 100 * c + 5);
    const campaigns = APART.map(({ id, train }, c) =>
      campaignOf(
        id,
        [...train.users.subarray(0, 10)],
        [...train.users.subarray(10), ...shown.filter((user) => user !== 100 * c + 5)],
      ),
    );
    const { training, held } = holdOut(campaigns, 0.2, 'key');
    const heldMembers = held.flatMap(({ train }) => [...train.users.subarray(0, 10)]);
    expect(training).toHaveLength(8);
    for (const { id, train } of training) {
      expect(
        train.users.some((user) => heldMembers.includes(user)),
        id,
      ).toBe(false);
      expect(train.users.length).toBe(59 - held.length);
      expect(train.labels.length).toBe(train.users.length);
      expect(train.labels.filter((label) => label === 1).length).toBe(10);
    }
  });

  it('forgets nobody if most users are in held-out campaigns', () => {
    const same = range(0, 5).map((c) => campaignOf(`c${c}`, range(0, 30), range(30, 50)));
    const { training } = holdOut(same, 0.2, 'key');
    expect(training.map(({ train }) => train.users.length)).toEqual([50, 50, 50, 50]);
  });

  it('leaves out training campaigns that keep no member, unless most would be left out', () => {
    // a and b have the same members; if one is held out, the other has none left
    const a = campaignOf('a', range(0, 10), range(200, 300));
    const b = campaignOf('b', range(0, 10), range(400, 500));
    const rest = range(2, 5).map((c) => APART[c]!);
    const heldA = (campaigns: readonly CampaignHistory[]) =>
      range(0, 50)
        .map((i) => holdOut(campaigns, 0.1, `${i}`))
        .find(({ held }) => held[0]!.id === 'a')!;
    expect(heldA([a, b, ...rest]).training).toEqual(rest);
    const c = campaignOf('c', [5], range(600, 700));
    const most = heldA([a, b, c]);
    expect(most.training).toEqual([b, c]);
  });
});

describe('withoutUsersWithoutPositives', () => {
  const users = (campaign: CampaignHistory) => [...campaign.train.users];

  it('leaves only members of the campaigns when nobody is in two of them', () => {
    const [one, two] = [campaignOf('one', [1, 2], [3, 4, 50, 51]), campaignOf('two', [3, 4], [1, 52])];
    const [first, second] = withoutUsersWithoutPositives([one, two], 10);
    expect([users(first!), users(second!)]).toEqual([
      [1, 2, 3, 4],
      [3, 4, 1],
    ]);
    expect([...first!.train.labels]).toEqual([1, 1, 0, 0]);
  });

  it('does not change a campaign that would have no others', () => {
    const [one, two] = [campaignOf('one', [1, 2], [50, 51]), campaignOf('two', [3, 4], [1, 52])];
    expect(withoutUsersWithoutPositives([one, two], 10)[0]).toBe(one);
  });

  it('leaves all rows when some users are in two campaigns: being in none is informative there', () => {
    // by chance .3 memberships more than members for 10 users; here .2
    const campaigns = [campaignOf('a', [1, 2, 3], [4, 5]), campaignOf('b', [3, 4, 5], [1, 6])];
    expect(withoutUsersWithoutPositives(campaigns, 10)).toBe(campaigns);
  });

  it('leaves all rows of campaigns so small that nobody would be in two by chance', () => {
    const campaigns = [campaignOf('a', [1, 2], [3, 4]), campaignOf('b', [2, 5], [1, 6])];
    expect(withoutUsersWithoutPositives(campaigns, 100_000)).toBe(campaigns);
  });
});
