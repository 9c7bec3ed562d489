/**
 * Scenarios that differ in the known features of users: few or many tokens, a dense or a sparse vocabulary, rare tokens
 * that decide membership, or bundles of tokens.
 */

import { topShare } from '../../../src/dataset/synthetic/members.ts';
import type { Rng } from '../../../src/lib/rng.ts';
import type { PlantedCampaign, Scenario } from './scenario.ts';
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

const CATEGORY = [{ name: 'category', kind: 'single' }] as const;

/**
 * Generates campaigns that aim at combinations of tastes. Each campaign's share of users is in the range `share`, and
 * `noise` is added when members are chosen.
 */
function campaignsByTaste(
  rng: Rng,
  tastes: Tastes,
  count: number,
  { share: [low, high], noise }: { readonly share: readonly [number, number]; readonly noise: number },
): PlantedCampaign[] {
  return Array.from({ length: count }, () => {
    const aim = sampleAim(rng, tastes.count);
    const share = low + (high - low) * rng.uniform();
    return {
      features: { category: categoryOf(rng, aim) },
      isMember: topShare(likingOf(tastes, aim), share, noise, rng),
    };
  });
}

export const fewTokens: Scenario = {
  name: 'few-tokens',
  about: 'Users have only four single-valued features. The features and the memberships follow hidden tastes.',
  users: 6000,
  trainCampaigns: 20,
  testCampaigns: 20,
  seeds: { small: 25, large: 50 },
  userFeatures: ['age', 'region', 'device', 'plan'].map((name) => ({ name, kind: 'single' as const })),
  campaignFeatures: CATEGORY,
  plant(rng, { users, campaigns }) {
    const tastes = sampleTastes(rng, users, { count: 4 });
    const of = (name: string, topics: number) => plantVocabulary(rng, tastes.count, { name, topics });
    const vocabularies = { age: of('age', 7), region: of('region', 16), device: of('device', 5), plan: of('plan', 4) };
    return {
      users: Array.from({ length: users }, (_, user) =>
        Object.fromEntries(
          Object.entries(vocabularies).map(([name, vocabulary]) => [
            name,
            sampleToken(rng, vocabulary, tasteOf(tastes, user), { sharpness: 3 }),
          ]),
        ),
      ),
      campaigns: campaignsByTaste(rng, tastes, campaigns, { share: [0.017, 0.03], noise: 0.8 }),
    };
  },
};

/** A scenario in which each user has one list of tokens, and a country that says little about membership. */
function listScenario(
  own: Pick<Scenario, 'name' | 'about' | 'users' | 'trainCampaigns' | 'testCampaigns' | 'seeds'>,
  options: {
    readonly topics: number;
    readonly perTopic: number;
    readonly tokens: readonly [number, number];
    readonly zipf: number;
    readonly sharpness: number;
    readonly share: readonly [number, number];
    readonly noise: number;
  },
): Scenario {
  const [low, high] = options.tokens;
  return {
    ...own,
    userFeatures: [
      { name: 'country', kind: 'single' },
      { name: 'items', kind: 'multi', max_length: high },
    ],
    campaignFeatures: CATEGORY,
    plant(rng, { users, campaigns }) {
      const tastes = sampleTastes(rng, users, { count: 8 });
      const countries = plantVocabulary(rng, tastes.count, { name: 'country', topics: 10 });
      const items = plantVocabulary(rng, tastes.count, { ...options, name: 'item' });
      return {
        users: Array.from({ length: users }, (_, user) => ({
          country: sampleToken(rng, countries, tasteOf(tastes, user), { sharpness: 0.5 }),
          items: sampleTokens(rng, items, tasteOf(tastes, user), {
            count: sampleAmount(rng, low, high),
            sharpness: options.sharpness,
          }),
        })),
        campaigns: campaignsByTaste(rng, tastes, campaigns, options),
      };
    },
  };
}

export const longLists = listScenario(
  {
    name: 'long-lists',
    about:
      'Users have 60 of 400 tokens on average, so each token is common and says little. Memberships follow hidden ' +
      'tastes.',
    users: 3000,
    trainCampaigns: 30,
    testCampaigns: 24,
    seeds: { small: 10, large: 50 },
  },
  { topics: 20, perTopic: 20, tokens: [40, 150], zipf: 0.5, sharpness: 0.8, share: [0.04, 0.08], noise: 1 },
);

export const sparseVocabulary = listScenario(
  {
    name: 'sparse-vocabulary',
    about:
      'Users have 4 to 20 of 20,000 tokens, and most tokens belong to a handful of users. Memberships follow hidden ' +
      'tastes.',
    users: 5000,
    trainCampaigns: 40,
    testCampaigns: 24,
    seeds: { small: 50, large: 200 },
  },
  { topics: 40, perTopic: 500, tokens: [4, 20], zipf: 0.6, sharpness: 2.5, share: [0.08, 0.12], noise: 0.7 },
);

export const rareTokens: Scenario = {
  name: 'rare-tokens',
  about:
    'Users have common tokens that say nothing, and one or two rare tokens for each niche that they belong to. The ' +
    'members are most of the users in three niches, and a few other users.',
  users: 6000,
  trainCampaigns: 40,
  testCampaigns: 24,
  seeds: { small: 10, large: 50 },
  userFeatures: [
    { name: 'common', kind: 'multi', max_length: 20 },
    { name: 'keywords', kind: 'multi', max_length: 12 },
  ],
  campaignFeatures: [{ name: 'niches', kind: 'multi', max_length: 3 }],
  plant(rng, { users, campaigns }) {
    const niches = 60;
    const common = plantVocabulary(rng, 1, { name: 'common', topics: 10, perTopic: 20 });
    const rare = plantVocabulary(rng, 1, { name: 'rare', topics: niches, perTopic: 12, zipf: 0.5 });
    const nichesOf = Array.from({ length: users }, () =>
      Array.from({ length: sampleAmount(rng, 0, 4) }, () => rng.integer(niches)),
    );
    const keywordsOf = (own: readonly number[]): string[] => {
      const shown = own.flatMap((niche) => Array.from({ length: 1 + rng.integer(2) }, () => niche));
      // one more keyword from a random niche is added, so that users do not only have keywords from their own niches
      return [...shown, rng.integer(niches)].map((niche) => rare.tokens[niche]![sampleAmount(rng, 0, 11)]!);
    };
    return {
      users: nichesOf.map((own) => ({
        common: sampleTokens(rng, common, [0], { count: sampleAmount(rng, 6, 30) }),
        keywords: [...new Set(keywordsOf(own))],
      })),
      campaigns: Array.from({ length: campaigns }, () => {
        const wanted = [0, 0, 0].map(() => rng.integer(niches));
        const chanceOf = (own: readonly number[]) => (own.some((niche) => wanted.includes(niche)) ? 0.6 : 0.01);
        return {
          features: { niches: wanted.map((niche) => `niche-${niche % 20}`) },
          isMember: Uint8Array.from(nichesOf, (own) => (rng.uniform() < chanceOf(own) ? 1 : 0)),
        };
      }),
    };
  },
};

export const bundles: Scenario = {
  name: 'bundles',
  about:
    'Tokens come in bundles of 2 to 20 that a user has either almost completely or not at all. Members have two bundles ' +
    'that the campaign is about, and lack a third bundle that often accompanies these two.',
  users: 4000,
  trainCampaigns: 40,
  testCampaigns: 24,
  seeds: { small: 25, large: 200 },
  userFeatures: [
    { name: 'country', kind: 'single' },
    { name: 'items', kind: 'multi', max_length: 150 },
  ],
  campaignFeatures: [{ name: 'about', kind: 'multi', max_length: 2 }],
  plant(rng, { users, campaigns }) {
    const count = 40;
    const tastes = sampleTastes(rng, users, { count: 6 });
    const countries = plantVocabulary(rng, tastes.count, { name: 'country', topics: 10 });
    const names = plantVocabulary(rng, tastes.count, { name: 'bundle', topics: count });
    const sizes = Array.from({ length: count }, () => sampleAmount(rng, 2, 20));
    const indexOf = new Map(names.tokens.map(([name], bundle) => [name!, bundle]));
    const bundlesOf = Array.from({ length: users }, (_, user) => {
      const sampled = sampleTokens(rng, names, tasteOf(tastes, user), {
        count: sampleAmount(rng, 4, 14),
        sharpness: 2,
      });
      return sampled.map((name) => indexOf.get(name)!);
    });
    const itemsOf = (own: readonly number[]): string[] =>
      own.flatMap((bundle) =>
        Array.from({ length: sizes[bundle]! }, (_, i) => `item-${bundle}-${i}`).filter(() => rng.uniform() < 0.9),
      );
    const owners = (bundle: number): number[] =>
      [...bundlesOf.keys()].filter((user) => bundlesOf[user]!.includes(bundle));
    return {
      users: bundlesOf.map((own, user) => ({
        country: sampleToken(rng, countries, tasteOf(tastes, user)),
        items: itemsOf(own),
      })),
      campaigns: Array.from({ length: campaigns }, () => {
        const [first, second] = [rng.integer(count), rng.integer(count)];
        const others = owners(first).flatMap((user) => bundlesOf[user]!.filter((b) => b !== first && b !== second));
        const unwanted = others[rng.integer(others.length)]!;
        const has = (own: readonly number[], bundle: number): number => (own.includes(bundle) ? 1 : 0);
        const wanted = Float64Array.from(bundlesOf, (own) => has(own, first) + 0.8 * has(own, second));
        const liking = wanted.map((x, user) => x - 0.8 * has(bundlesOf[user]!, unwanted));
        return {
          features: { about: [first, second].map((bundle) => `group-${bundle % 12}`) },
          isMember: topShare(liking, 0.09 + 0.06 * rng.uniform(), 1, rng),
        };
      }),
    };
  },
};
