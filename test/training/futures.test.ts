/** Campaigns treated as future ones: whose tokens are removed, who is hidden, and among whom. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRng } from '../../src/lib/rng.ts';
import { PAST_CAMPAIGNS } from '../../src/population/read.ts';
import {
  foldsOf,
  futureTrial,
  openFutures,
  sampleFutures,
  trialsOf,
  usersBefore,
} from '../../src/training/history/futures.ts';
import type { CampaignHistory } from '../../src/training/history/history.ts';
import { knownUsers, membersOf } from '../../src/training/history/members.ts';
import { type PreparedDataSet, prepareDataSet } from '../../src/training/history/prepared-data-set.ts';
import { temporaryFolder } from '../fixture/folders.ts';
import { campaignOf, range } from './planted.ts';
import { CAMPAIGNS, USERS, writeSmallDataSet } from './small-data-set.ts';

/** `users` users, all of them in the version but `gone`. */
const populationOf = (users: number, gone: readonly number[] = []) => ({
  rowOf: Int32Array.from(range(0, users), (user) => (gone.includes(user) ? -1 : user)),
});
/** 1 for these user numbers. */
const marked = (users: number, known: readonly number[]) =>
  Uint8Array.from(range(0, users), (user) => (known.includes(user) ? 1 : 0));

describe('openFutures and usersBefore', () => {
  let root = '';
  let prepared: PreparedDataSet;
  beforeAll(async () => {
    root = temporaryFolder();
    prepared = await prepareDataSet(writeSmallDataSet(join(root, 'data'), CAMPAIGNS), { pastCampaigns: true });
  });
  afterAll(() => {
    prepared.close();
  });

  it('remove the tokens of all campaigns of the future from everybody, and no others', () => {
    const futures = openFutures(prepared, prepared.userFeatures);
    const future = futures.campaigns.filter(({ id }) => id === 'c0' || id === 'c3');
    const before = usersBefore(futures, future);
    const out = ['c0', 'c3'].map(futures.columnOf);
    expect(out.every((column) => column > 0)).toBe(true);
    const tokensOf = ({ offsets, tokens }: typeof before, user: number) => [
      ...tokens.subarray(offsets[user]!, offsets[user + 1]!),
    ];
    for (const user of futures.oneHot.users)
      expect(tokensOf(before, user)).toEqual(tokensOf(futures.oneHot, user).filter((token) => !out.includes(token)));
    expect(before.tokens.length).toBeLessThan(futures.oneHot.tokens.length);
    // the other campaigns' members have theirs
    expect(before.tokens).toContain(futures.columnOf('c1'));
  });

  it('leave the users as they are when past campaigns are not a feature', () => {
    const features = prepared.userFeatures.filter(({ name }) => name !== PAST_CAMPAIGNS);
    const futures = openFutures(prepared, features);
    expect(futures.columnOf('c0')).toBe(-1);
    expect(usersBefore(futures, futures.campaigns)).toBe(futures.oneHot);
    const whole = openFutures(prepared, prepared.userFeatures);
    expect(usersBefore(whole, [])).toBe(whole.oneHot);
  });
});

describe('foldsOf', () => {
  it.each([
    [10, [2, 2, 3, 3]],
    [4, [1, 1, 1, 1]],
    [3, [1, 1, 1]],
    [0, []],
  ])('splits %i campaigns into parts of %j', (count, sizes) => {
    const campaigns = range(0, count).map((i) => campaignOf(`c${i}`, [i]));
    const folds = foldsOf(campaigns, createRng('k'));
    expect(folds.map(({ length }) => length).sort()).toEqual(sizes);
    expect(new Set(folds.flat())).toEqual(new Set(campaigns));
    expect(foldsOf(campaigns, createRng('k'))).toEqual(folds);
  });
});

describe('knownUsers', () => {
  it('are the members, not the others, of the campaigns outside the future', () => {
    const [a, b, c] = [campaignOf('a', [1, 2, 2], [3]), campaignOf('b', [2, 4], [1]), campaignOf('c', [5])];
    expect([...knownUsers([a, b, c], [a], 7)]).toEqual([0, 0, 1, 0, 1, 1, 0]);
    expect([...knownUsers([a, b, c], [a, b, c], 7)]).toEqual(new Array(7).fill(0));
  });
});

describe('membersOf', () => {
  it('are those with label 1, each once, ascending', () => {
    expect([...membersOf(campaignOf('a', [30, 4, 100, 4], [2]))]).toEqual([4, 30, 100]);
  });
});

describe('futureTrial', () => {
  const MEMBERS = range(0, 20);
  const trialOf = (
    campaign: CampaignHistory,
    count: number,
    known: readonly number[] = [],
    { users = USERS, gone = [] as readonly number[], key = 'key', share = null as number | null } = {},
  ) =>
    futureTrial(campaign, count, { isKnown: marked(users, known), share }, populationOf(users, gone), createRng(key));
  const sidesOf = (trial: ReturnType<typeof trialOf>, known: readonly number[]) => {
    const { users, labels } = trial!.evaluation;
    const count = (label: number, side: boolean) =>
      [...users].filter((user, i) => labels[i] === label && known.includes(user) === side).length;
    return { hidden: [count(1, false), count(1, true)], candidates: [count(0, false), count(0, true)] };
  };

  it('hides all members but the seeds among all others', () => {
    const trial = trialOf(campaignOf('c', MEMBERS), 8)!;
    const { users, labels } = trial.evaluation;
    const hidden = [...users].filter((_, i) => labels[i] === 1);
    expect(trial.seeds).toHaveLength(8);
    expect([...trial.seeds, ...hidden].sort((a, b) => a - b)).toEqual(MEMBERS);
    expect([...users].filter((_, i) => labels[i] === 0)).toEqual(range(20, USERS));
    expect([...users]).toEqual([...users].sort((a, b) => a - b));
    expect([...trial.seeds]).toEqual([...trial.seeds].sort((a, b) => a - b));
  });

  describe('if members have times', () => {
    /** User u became a member at `timeOf(u)`; the others have no time. */
    const datedOf = (members: readonly number[], timeOf: (user: number) => number): CampaignHistory => {
      const campaign = campaignOf('c', members, [50, 51]);
      const { users, labels } = campaign.train;
      const times = Float64Array.from(users, (user, row) => (labels[row] === 1 ? timeOf(user) : Number.NaN));
      return { ...campaign, train: { users, labels, times } };
    };

    it('takes the earliest members as seeds and hides the later ones, whatever the random numbers', () => {
      const campaign = datedOf(range(0, 20), (user) => 1000 - user);
      for (const key of ['a', 'b', 'c']) {
        const { seeds, evaluation } = trialOf(campaign, 8, [], { key })!;
        expect([...seeds]).toEqual(range(12, 20));
        expect([...evaluation.users].filter((_, i) => evaluation.labels[i] === 1)).toEqual(range(0, 12));
      }
      expect([...trialOf(campaign, 200)!.seeds]).toEqual(range(10, 20));
    });

    it('draws among members with equal times', () => {
      const campaign = datedOf(range(0, 20), (user) => (user < 4 ? 1 : 2));
      const seeds = range(0, 20).map((key) => [...trialOf(campaign, 8, [], { key: `${key}` })!.seeds]);
      for (const own of seeds) expect(own.slice(0, 4)).toEqual(range(0, 4));
      expect(new Set(seeds.map((own) => own.join())).size).toBeGreaterThan(10);
    });

    it('takes the earliest of several rows of a user', () => {
      const { train, ...campaign } = datedOf([0, 1, 2, 3, 0], (user) => 10 + user);
      const twice = {
        ...campaign,
        train: { ...train, times: Float64Array.of(99, 11, 12, 13, 1, Number.NaN, Number.NaN) },
      };
      expect([...trialOf(twice, 1)!.seeds]).toEqual([0]);
    });

    it('draws seeds if a member has no time', () => {
      const campaign = datedOf(range(0, 20), (user) => (user === 7 ? Number.NaN : user));
      const seeds = range(0, 10).map((key) => [...trialOf(campaign, 8, [], { key: `${key}` })!.seeds].join());
      expect(new Set(seeds).size).toBeGreaterThan(5);
    });
  });

  it('takes at most half of the members as seeds, and is null for a single member', () => {
    expect(trialOf(campaignOf('c', range(0, 9)), 200)!.seeds).toHaveLength(4);
    expect(trialOf(campaignOf('c', [3], [4]), 200)).toBeNull();
  });

  it('has the same share of known users among the candidates as among the hidden members', () => {
    // of 40 members 10 are known, of 160 others 100
    const known = [...range(0, 10), ...range(40, 140)];
    const trial = trialOf(campaignOf('c', range(0, 40)), 20, known, { users: 200 })!;
    const { hidden, candidates } = sidesOf(trial, known);
    expect(hidden[0]! + hidden[1]!).toBe(20);
    expect(hidden.every((count) => count > 0)).toBe(true);
    // as many per hidden member as the scarcer side has
    const ratio = Math.min(60 / hidden[0]!, 100 / hidden[1]!);
    expect(candidates).toEqual(hidden.map((count) => Math.round(ratio * count)));
    expect(candidates).toContain(ratio === 60 / hidden[0]! ? 60 : 100);
  });

  it('leaves out hidden members if there are too few others on their side', () => {
    // all others are unknown but two
    const known = [...range(0, 20), 40, 41];
    const trial = trialOf(campaignOf('c', range(0, 40)), 10, known, { users: 200 })!;
    const { hidden, candidates } = sidesOf(trial, known);
    expect([hidden[1], candidates[1]]).toEqual([0, 0]);
    expect(hidden[0]).toBeGreaterThan(5);
    expect(candidates[0]).toBe(158);
    // the seeds are still from both sides
    expect(new Set([...trial.seeds].map((user) => known.includes(user))).size).toBe(2);
  });

  describe('if members recur', () => {
    // of 40 members 30 are known, of 160 others 100
    const known = [...range(0, 30), ...range(40, 140)];
    const recurring = (share: number, users = 200) =>
      sidesOf(trialOf(campaignOf('c', range(0, 40)), 20, known, { users, share }), known);

    it('hides all members, and has the measured share of known candidates', () => {
      const { hidden, candidates } = recurring(0.625);
      expect(hidden[0]! + hidden[1]!).toBe(20);
      expect(hidden[1]).toBeGreaterThan(hidden[0]!);
      expect(candidates).toEqual([60, 100]);
      expect(recurring(0.5).candidates).toEqual([60, 60]);
      expect(recurring(0.9).candidates).toEqual([11, 100]);
      expect(recurring(0).candidates).toEqual([60, 0]);
      expect(recurring(1).candidates).toEqual([0, 100]);
    });

    it('ranks at most five thousand', () => {
      const { hidden, candidates } = recurring(0.02, 20_000);
      expect(hidden[0]! + hidden[1]!).toBe(20);
      expect(candidates).toEqual([4880, 100]);
    });

    it.each([
      // of 2000 others none is unknown, or one is known
      ['has no candidates', range(0, 2000), 0.99, [0, 500]],
      ['has one candidate', [2], 0.47, [499, 1]],
      ['has no candidates, and half should be of it', [], 0.5, [500, 0]],
    ])('takes enough from the other side if one %s', (_, others, share, expected) => {
      const own = [...range(0, 30), ...others.map((user) => 40 + user)];
      const trial = trialOf(campaignOf('c', range(0, 40)), 20, own, { users: 2040, share });
      const { hidden, candidates } = sidesOf(trial, own);
      expect(hidden[0]! + hidden[1]!).toBe(20);
      expect(candidates).toEqual(expected);
    });

    it('has as many candidates as hidden members if possible, and at most a thousand if one side is short', () => {
      const small = trialOf(campaignOf('c', range(0, 40)), 10, [], { users: 80, share: 0.99 });
      expect(sidesOf(small, []).candidates).toEqual([30, 0]);
      const large = trialOf(campaignOf('c', range(0, 4000)), 200, [], { users: 20_000, share: 0.99 });
      expect(sidesOf(large, []).candidates).toEqual([1000, 0]);
    });
  });

  it('is null if that leaves nobody', () => {
    expect(trialOf(campaignOf('c', range(0, 40)), 10, range(0, 40))).toBeNull();
    expect(trialOf(campaignOf('c', range(0, USERS)), 10)).toBeNull();
  });

  it('ranks at most five thousand, if that is more than one other per hidden member', () => {
    const large = { users: 20_000 };
    const few = trialOf(campaignOf('c', range(0, 100)), 50, [], large)!.evaluation.labels;
    expect([few.length, few.filter((label) => label === 1).length]).toEqual([5000, 50]);
    const many = trialOf(campaignOf('c', range(0, 8000)), 2000, [], large)!.evaluation.labels;
    expect([many.length, many.filter((label) => label === 1).length]).toEqual([12_000, 6000]);
  });

  it('has nobody who is not in the version', () => {
    const gone = [0, 1, 2, 50, 51];
    const { seeds, evaluation } = trialOf(campaignOf('c', MEMBERS), 8, [], { gone })!;
    expect([...seeds, ...evaluation.users].filter((user) => gone.includes(user))).toEqual([]);
    expect(seeds.length + evaluation.users.length).toBe(USERS - 5);
  });
});

describe('trialsOf', () => {
  it('uses one of the seed counts that a small campaign makes equal', () => {
    const counts = (members: number) =>
      trialsOf(
        campaignOf('c', range(0, members)),
        [10, 50, 200],
        { isKnown: marked(300, []), share: null },
        populationOf(300),
        createRng('k'),
      ).map(({ seeds }) => seeds.length);
    expect([counts(8), counts(60), counts(120), counts(1)]).toEqual([[4], [10, 30], [10, 50, 60], []]);
  });
});

describe('drawFutures', () => {
  const campaigns = range(0, 8).map((c) => campaignOf(`c${c}`, range(20 * c, 20 * c + 20)));
  const sample = (most: number, key = 'k') =>
    sampleFutures({ population: populationOf(300), campaigns, recurrence: null }, [5, 10], most, createRng(key));

  it('treats each part of the campaigns as the future in turn, with equally many of each', () => {
    const evaluated = sample(24);
    expect(evaluated.map(({ future }) => future.length)).toEqual([2, 2, 2, 2]);
    for (const { future, trials } of evaluated) {
      expect(trials.map(([first]) => first!.id)).toEqual(future.map(({ id }) => id));
      const known = knownUsers(campaigns, future, 300);
      // nobody of the campaign is known, so that no candidate is
      for (const trial of trials.flat()) expect(trial.evaluation.users.some((user) => known[user] === 1)).toBe(false);
    }
    expect(sample(4).map(({ trials }) => trials.length)).toEqual([1, 1, 1, 1]);
    expect(sample(5).map(({ trials }) => trials.length)).toEqual([2, 2, 2, 2]);
  });
});
