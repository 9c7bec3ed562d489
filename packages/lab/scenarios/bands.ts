/**
 * A scenario in which numbers are cut into bands. Each token is a band, and membership depends on the underlying
 * numbers.
 */

import { topShare } from '../../../src/dataset/synthetic/members.ts';
import type { Rng } from '../../../src/lib/rng.ts';
import type { Scenario } from './scenario.ts';
import { sampleTastes, tasteOf } from './tastes.ts';

/** The names of a user's numbers, and the number of bands for each. */
const NUMBERS: Readonly<Record<string, number>> = {
  age: 12,
  income: 16,
  household: 6,
  tenure: 10,
  visits: 14,
  spend: 20,
  distance: 12,
  rating: 8,
};
const NAMES = Object.keys(NUMBERS);

export const bands: Scenario = {
  name: 'bands',
  about:
    'Users have eight numbers, each cut into 6 to 20 bands. Members are beyond a threshold in some numbers and ' +
    'near a given value in others, so neighbouring bands have similar meanings.',
  users: 4000,
  trainCampaigns: 40,
  testCampaigns: 24,
  seeds: { small: 50, large: 200 },
  userFeatures: NAMES.map((name) => ({ name, kind: 'single' })),
  campaignFeatures: [{ name: 'category', kind: 'single' }],
  plant(rng, { users, campaigns }) {
    const numbers = sampleNumbers(rng, users);
    return {
      users: Array.from({ length: users }, (_, user) =>
        Object.fromEntries(
          NAMES.map((name, n) => {
            const band = bandOf(numbers[n]![user]!, NUMBERS[name]!);
            return [name, rng.uniform() < 0.05 ? null : `${name}-${String(band).padStart(2, '0')}`];
          }),
        ),
      ),
      campaigns: Array.from({ length: campaigns }, () => {
        const wishes = [0, 1, 2].map(() => sampleWish(rng));
        const liking = Float64Array.from({ length: users }, (_, user) =>
          wishes.reduce((sum, { number, of }) => sum + of(numbers[number]![user]!), 0),
        );
        return {
          features: { category: `category-${wishes[0]!.number}` },
          isMember: topShare(liking, 0.09 + 0.07 * rng.uniform(), 0.6, rng),
        };
      }),
    };
  },
};

/**
 * Draws the numbers, `[NUMBERS][users]`. The numbers are approximately standard normal; half of their variance comes
 * from three tastes that all numbers share.
 */
function sampleNumbers(rng: Rng, users: number): Float64Array[] {
  const tastes = sampleTastes(rng, users, { count: 3 });
  return NAMES.map(() => {
    const loading = Float64Array.from({ length: tastes.count }, () => rng.normal());
    const length = Math.hypot(...loading);
    return Float64Array.from({ length: users }, (_, user) => {
      const shared = tasteOf(tastes, user).reduce((sum, taste, t) => sum + taste * (loading[t]! / length), 0);
      return Math.SQRT1_2 * (shared + rng.normal());
    });
  });
}

/**
 * Returns the band of a number: one of `count` bands of equal width over [-2.5, 2.5]. The outer bands are unbounded.
 */
function bandOf(number: number, count: number): number {
  return Math.min(count - 1, Math.max(0, Math.floor(((number + 2.5) / 5) * count)));
}

/**
 * A campaign's preference for a number: above or below a threshold (an S-curve of unit height), or near a value (a bell
 * curve of unit height).
 */
function sampleWish(rng: Rng): { readonly number: number; of(value: number): number } {
  const number = rng.integer(NAMES.length);
  const centre = 0.8 * rng.normal();
  if (rng.uniform() < 0.5) return { number, of: (value) => Math.exp(-(((value - centre) / 0.5) ** 2)) };
  const sign = rng.uniform() < 0.5 ? -1 : 1;
  return { number, of: (value) => 1 / (1 + Math.exp(-6 * sign * (value - centre))) };
}
