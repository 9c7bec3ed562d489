/**
 * Scenarios that differ in how members are chosen: each user in one campaign or in many, drift, audiences made up of
 * two crowds, and broad audiences.
 */

import { favourites, topShare } from '../../../src/dataset/synthetic/members.ts';
import type { Rng } from '../../../src/lib/rng.ts';
import type { Planted, Scenario, Size } from './scenario.ts';
import {
  categoryOf,
  likingOf,
  plantVocabulary,
  sampleAim,
  sampleAmount,
  sampleTastes,
  sampleToken,
  sampleTokens,
  type Tastes,
  tasteOf,
} from './tastes.ts';

const FEATURES: Pick<Scenario, 'userFeatures' | 'campaignFeatures'> = {
  userFeatures: [
    { name: 'region', kind: 'single' },
    { name: 'interests', kind: 'multi', max_length: 24 },
  ],
  campaignFeatures: [{ name: 'category', kind: 'single' }],
};

/**
 * Generates users with a region and interests. The number of interests per user is in the range `tokens`. Each user's
 * interests are sampled from 300 interests according to taste, with the given `sharpness`.
 */
function usersOf(
  rng: Rng,
  tastes: Tastes,
  { tokens: [low, high], sharpness = 1.5 }: { readonly tokens: readonly [number, number]; readonly sharpness?: number },
): Planted['users'] {
  const regions = plantVocabulary(rng, tastes.count, { name: 'region', topics: 12 });
  const interests = plantVocabulary(rng, tastes.count, { name: 'interest', topics: 30, perTopic: 10, zipf: 0.7 });
  return Array.from({ length: tastes.users }, (_, user) => ({
    region: sampleToken(rng, regions, tasteOf(tastes, user)),
    interests: sampleTokens(rng, interests, tasteOf(tastes, user), { count: sampleAmount(rng, low, high), sharpness }),
  }));
}

export const oneCampaign: Scenario = {
  ...FEATURES,
  name: 'one-campaign',
  about:
    'Every user is a member of at most one campaign, the one that the user likes best, so past campaigns say nothing ' +
    'about the next campaign.',
  users: 6000,
  trainCampaigns: 30,
  testCampaigns: 20,
  seeds: { small: 10, large: 25 },
  plant(rng, { users, campaigns }) {
    const tastes = sampleTastes(rng, users, { count: 6 });
    const aims = Array.from({ length: campaigns }, () => sampleAim(rng, tastes.count));
    const members = favourites(
      aims.map((aim) => likingOf(tastes, aim)),
      { active: 0.7, noise: 0.35 },
      rng,
    );
    return {
      users: usersOf(rng, tastes, { tokens: [4, 20] }),
      campaigns: aims.map((aim, c) => ({ features: { category: categoryOf(rng, aim) }, isMember: members[c]! })),
    };
  },
};

export const regulars: Scenario = {
  ...FEATURES,
  name: 'regulars',
  about:
    'Each user is a member of ten or more campaigns, and some users are members of far more. Their few tokens say ' +
    'little, and past campaigns say the most.',
  users: 4000,
  trainCampaigns: 60,
  testCampaigns: 24,
  seeds: { small: 25, large: 50 },
  plant(rng, { users, campaigns }) {
    const tastes = sampleTastes(rng, users, { count: 8 });
    const activity = Float64Array.from({ length: users }, () => 0.7 * rng.normal());
    return {
      users: usersOf(rng, tastes, { tokens: [1, 4], sharpness: 1 }),
      campaigns: Array.from({ length: campaigns }, () => {
        const aim = sampleAim(rng, tastes.count);
        const liking = likingOf(tastes, aim).map((x, user) => x + activity[user]!);
        const isMember = topShare(liking, 0.08 + 0.12 * rng.uniform(), 0.8, rng);
        return { features: { category: categoryOf(rng, aim) }, isMember };
      }),
    };
  },
};

/** A scenario in which users and items arrive over time. Later users have newer items. */
function plantDrift(rng: Rng, { users, campaigns }: Size): Planted {
  const tastes = sampleTastes(rng, users, { count: 6 });
  const joined = Float64Array.from({ length: users }, () => rng.uniform());
  const regions = plantVocabulary(rng, tastes.count, { name: 'region', topics: 12 });
  // each item has a topic and the period (one of ten) in which the item appeared
  const topics = plantVocabulary(rng, tastes.count, { name: 'topic', topics: 20, perTopic: 4 });
  const itemsOf = (user: number): string[] => {
    const items = sampleTokens(rng, topics, tasteOf(tastes, user), { count: sampleAmount(rng, 5, 24) });
    const since = joined[user]!;
    return items.map((item) => `${item}-${Math.floor(10 * (since + (1 - since) * rng.uniform() ** 2))}`);
  };
  return {
    users: Array.from({ length: users }, (_, user) => ({
      region: sampleToken(rng, regions, tasteOf(tastes, user)),
      interests: itemsOf(user),
    })),
    campaigns: Array.from({ length: campaigns }, (_, c) => {
      const date = 0.2 + (0.8 * (c + 1)) / campaigns;
      const aim = sampleAim(rng, tastes.count);
      // users who have not arrived yet are not members; recent users are more likely to be members
      const liking = likingOf(tastes, aim).map((x, user) =>
        joined[user]! > date ? Number.NEGATIVE_INFINITY : x + 1.2 * (1 - Math.min(1, 4 * (date - joined[user]!))),
      );
      const share = 0.02 + 0.08 * date;
      return { features: { category: categoryOf(rng, aim) }, isMember: topOfPresent(liking, share, rng) };
    }),
  };
}

/** Like `topShare`, but only users with a finite liking can be members. */
function topOfPresent(liking: Float64Array, share: number, rng: Rng): Uint8Array {
  const present = [...liking.keys()].filter((user) => Number.isFinite(liking[user]!));
  const isMember = new Uint8Array(liking.length);
  const chosen = topShare(
    Float64Array.from(present, (user) => liking[user]!),
    (share * liking.length) / present.length,
    0.8,
    rng,
  );
  for (const [i, user] of present.entries()) isMember[user] = chosen[i]!;
  return isMember;
}

export const drift: Scenario = {
  ...FEATURES,
  name: 'drift',
  about:
    'Users and items arrive over time. Later campaigns are larger and liked by newer users with newer items, and ' +
    'the test campaigns are the latest.',
  users: 5000,
  trainCampaigns: 50,
  testCampaigns: 24,
  seeds: { small: 50, large: 200 },
  plant: plantDrift,
};

export const twoCrowds: Scenario = {
  ...FEATURES,
  name: 'two-crowds',
  about:
    'A campaign is liked by two crowds that want different things from it. Each member meets one of two aims, and ' +
    'few members meet both.',
  users: 5000,
  trainCampaigns: 40,
  testCampaigns: 24,
  seeds: { small: 25, large: 200 },
  plant(rng, { users, campaigns }) {
    const tastes = sampleTastes(rng, users, { count: 6 });
    return {
      users: usersOf(rng, tastes, { tokens: [6, 24] }),
      campaigns: Array.from({ length: campaigns }, () => {
        const aim = sampleAim(rng, tastes.count);
        // users drawn to the first aim are slightly less drawn to the second aim than the average user is
        const other = sampleAim(rng, tastes.count).map((x, t) => x - 0.5 * aim[t]!);
        const second = likingOf(tastes, other);
        const liking = likingOf(tastes, aim).map((x, user) => Math.max(x, second[user]!));
        const isMember = topShare(liking, 0.07 + 0.05 * rng.uniform(), 0.6, rng);
        return { features: { category: categoryOf(rng, aim) }, isMember };
      }),
    };
  },
};

export const broad: Scenario = {
  ...FEATURES,
  name: 'broad',
  about: 'Each campaign is liked by a quarter to two fifths of the users, and has up to 1,000 seeds.',
  users: 8000,
  trainCampaigns: 20,
  testCampaigns: 20,
  seeds: { small: 200, large: 1000 },
  plant(rng, { users, campaigns }) {
    const tastes = sampleTastes(rng, users, { count: 5 });
    return {
      users: usersOf(rng, tastes, { tokens: [8, 24] }),
      campaigns: Array.from({ length: campaigns }, () => {
        const aim = sampleAim(rng, tastes.count);
        const [a, b] = [rng.integer(tastes.count), rng.integer(tastes.count)];
        // seed sets of this size are large enough to learn an interaction, not only a sum
        const liking = likingOf(tastes, aim).map((x, user) => {
          const taste = tasteOf(tastes, user);
          return x + 0.6 * taste[a]! * taste[b]!;
        });
        const isMember = topShare(liking, 0.25 + 0.15 * rng.uniform(), 0.7, rng);
        return { features: { category: categoryOf(rng, aim) }, isMember };
      }),
    };
  },
};
