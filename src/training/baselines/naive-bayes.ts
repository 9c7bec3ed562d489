/**
 * The baseline `naive_bayes`: a user's score is high if the user's tokens are more common among the seeds than in the
 * population.
 */

import { type OneHot, tokensAlone } from '../history/one-hot.ts';
import { presentSeeds, sumOfTokens, type TunableMethod, tokenFrequencies } from './baselines.ts';

/**
 * score = sum over the user's tokens of ln((n_t + a * p_t) / ((n + a) * p_t)), with n seeds, n_t seeds with token t,
 * p_t the share of the population with t, and a = `smoothing`, in pseudo-seeds that resemble the population.
 */
export function naiveBayes(all: OneHot): TunableMethod<{ smoothing: number }> {
  const oneHot = tokensAlone(all);
  const share = Float64Array.from(tokenFrequencies(oneHot), (df) => df / oneHot.users.length);
  return {
    name: 'naive_bayes',
    grid: [20, 50, 200, 1000, 5000].map((smoothing) => ({ smoothing })),
    fallback: { smoothing: 200 },
    *scorers(seeds, _rng, settings) {
      const present = presentSeeds(oneHot, seeds);
      const counts = new Int32Array(oneHot.width);
      for (const user of present)
        for (let i = oneHot.offsets[user]!; i < oneHot.offsets[user + 1]!; i++) counts[oneHot.tokens[i]!]!++;
      for (const { smoothing: a } of settings) {
        const weights = share.map((p, token) =>
          p === 0 ? 0 : Math.log((counts[token]! + a * p) / ((present.length + a) * p)),
        );
        yield (users) => Float64Array.from(users, (user) => sumOfTokens(weights, oneHot, user));
      }
    },
  };
}
