/** A scenario with numbers and vectors as found in real data. Members have no token in common. */

import { topShare } from '../../../src/dataset/synthetic/members.ts';
import type { Rng } from '../../../src/lib/rng.ts';
import type { Scenario } from './scenario.ts';
import { sampleTastes, tasteOf } from './tastes.ts';

/** The length of the vector. Only a few of its directions matter. */
const VECTOR_SIZE = 24;
const TASTES = 6;
const DAY_MS = 86_400_000;
const LATEST = Date.UTC(2026, 10, 1);

/** Transforms standard normal draws into numbers with spreads and tails typical of customer tables. */
const NUMBERS: Readonly<Record<string, (normal: number) => number | string>> = {
  age: (x) => Math.round(Math.min(95, Math.max(16, 42 + 15 * x))),
  spend: (x) => Math.round(100 * Math.exp(3 + 1.4 * x)) / 100,
  visits: (x) => Math.max(0, Math.round(Math.exp(1 + x) - 1)),
  distance_km: (x) => Math.round(10 * Math.exp(1.5 + 0.8 * x)) / 10,
  last_seen: (x) => new Date(LATEST - DAY_MS * Math.round(Math.exp(3 + x))).toISOString().slice(0, 10),
};
const NAMES = Object.keys(NUMBERS);
/** The share of users without a given number, or without the vector. */
const MISSING = 0.08;

export const numbers: Scenario = {
  name: 'numbers',
  about:
    'Users have five numbers with different ranges (one is a date), a vector of 24 numbers and a region. Members are ' +
    'beyond a threshold in some numbers, near a given value in others, and have similar vectors.',
  users: 5000,
  trainCampaigns: 40,
  testCampaigns: 24,
  seeds: { small: 50, large: 200 },
  userFeatures: [
    ...NAMES.map((name) => ({ name, kind: 'number' as const })),
    { name: 'embedding', kind: 'vector', size: VECTOR_SIZE },
    { name: 'region', kind: 'single' },
  ],
  campaignFeatures: [{ name: 'price', kind: 'number' }],
  plant(rng, { users, campaigns }) {
    const normals = NAMES.map(() => Float64Array.from({ length: users }, () => rng.normal()));
    const tastes = sampleTastes(rng, users, { count: TASTES });
    const vectors = sampleVectors(rng, users, (user) => tasteOf(tastes, user));
    return {
      users: Array.from({ length: users }, (_, user) => ({
        ...Object.fromEntries(
          NAMES.map((name, n) => [name, rng.uniform() < MISSING ? null : NUMBERS[name]!(normals[n]![user]!)]),
        ),
        embedding: rng.uniform() < MISSING ? null : vectors[user]!,
        region: `region-${rng.integer(12)}`,
      })),
      campaigns: Array.from({ length: campaigns }, () => {
        const wishes = [0, 1].map(() => sampleWish(rng));
        const direction = Float64Array.from({ length: TASTES }, () => rng.normal());
        const length = Math.hypot(...direction);
        const liking = Float64Array.from({ length: users }, (_, user) => {
          const side = tasteOf(tastes, user).reduce((sum, taste, t) => sum + taste * (direction[t]! / length), 0);
          return wishes.reduce((sum, { number, of }) => sum + of(normals[number]![user]!), 0.8 * side);
        });
        return {
          features: { price: Math.round(100 * Math.exp(2 + direction[0]!)) / 100 },
          isMember: topShare(liking, 0.09 + 0.07 * rng.uniform(), 0.6, rng),
        };
      }),
    };
  },
};

/** Maps each user's tastes to a vector with a random matrix, and adds noise that is as strong as the signal. */
function sampleVectors(
  rng: Rng,
  users: number,
  tastesOf: (user: number) => readonly number[] | Float64Array,
): number[][] {
  const map = Array.from({ length: VECTOR_SIZE }, () => Float64Array.from({ length: TASTES }, () => rng.normal()));
  return Array.from({ length: users }, (_, user) => {
    const own = tastesOf(user);
    return map.map((row) => {
      const signal = row.reduce((sum, weight, t) => sum + weight * own[t]!, 0) / Math.sqrt(TASTES);
      return Math.round(1000 * (signal + rng.normal())) / 1000;
    });
  });
}

/**
 * A campaign's preference for a number: above or below a threshold (an S-curve of height 1.5), or near a value (a bell
 * curve of height 1.5).
 */
function sampleWish(rng: Rng): { readonly number: number; of(value: number): number } {
  const number = rng.integer(NAMES.length);
  const centre = 0.8 * rng.normal();
  if (rng.uniform() < 0.5) return { number, of: (value) => 1.5 * Math.exp(-(((value - centre) / 0.6) ** 2)) };
  const sign = rng.uniform() < 0.5 ? -1 : 1;
  return { number, of: (value) => 1.5 / (1 + Math.exp(-5 * sign * (value - centre))) };
}
