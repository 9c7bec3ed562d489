/**
 * The baseline `user_knn`: a user's score is the cosine similarity between the user's tokens and the tokens of the
 * nearest seeds.
 */
import { type Rng, sample } from '../../lib/rng.ts';
import { type OneHot, tokensAlone } from '../history/one-hot.ts';
import { inverseFrequencies, presentSeeds, type Scorer, type TunableMethod } from './baselines.ts';

/**
 * Number of nearest seeds whose similarities are averaged. If all seeds are averaged, the ranking is nearly the same as
 * with `centroid`.
 */
const NEIGHBOURS = [1, 3, 10, 30, 100, 300];
/** The weighting of rare tokens: none (plain overlap) or IDF. */
const IDF_POWERS = [0, 1];
/**
 * Maximum number of seeds with which a user is compared; more seeds are sampled. The time per user is proportional to
 * the sum, over the user's tokens, of the number of seeds with that token.
 */
export const MAXIMUM_COMPARED_SEEDS = 2000;

/**
 * score(u) = the mean of the cosines of u and its k nearest seeds (all seeds if there are fewer than k). A user's
 * vector has w_t at each of its tokens, with w_t = IDF_t^`idf_power` and the IDF of `centroid`. A user without tokens
 * scores 0. If there are more than 2,000 seeds, 2,000 of them are sampled.
 */
export function userKnn(all: OneHot): TunableMethod<{ k: number; idf_power: number }> {
  const oneHot = tokensAlone(all);
  const idf = inverseFrequencies(oneHot);
  const squaresOf = new Map(IDF_POWERS.map((power) => [power, idf.map((x) => x ** (2 * power))]));
  return {
    name: 'user_knn',
    grid: IDF_POWERS.flatMap((idf_power) => NEIGHBOURS.map((k) => ({ k, idf_power }))),
    fallback: { k: 30, idf_power: 1 },
    *scorers(seeds, rng, settings) {
      const compared = compareWith(presentSeeds(oneHot, seeds), rng);
      for (const { k, idf_power } of settings) {
        const squares = squaresOf.get(idf_power) ?? idf.map((x) => x ** (2 * idf_power));
        yield nearestScorer(oneHot, squares, compared, k);
      }
    },
  };
}

/** The seeds with which users are compared, ascending. */
function compareWith(seeds: Int32Array, rng: Rng): Int32Array {
  if (seeds.length <= MAXIMUM_COMPARED_SEEDS) return seeds;
  return sample(rng, seeds, MAXIMUM_COMPARED_SEEDS).sort();
}

/** Scores users by their nearest seeds; `squares`, `[width]`, are w_t^2. */
function nearestScorer(oneHot: OneHot, squares: Float64Array, seeds: Int32Array, neighbours: number): Scorer {
  const { offsets, tokens } = oneHot;
  const { starts, entries } = seedsByToken(oneHot, seeds);
  const inverseNorms = Float64Array.from(seeds, (seed) => inverseNorm(oneHot, squares, seed));
  const products = new Float64Array(seeds.length);
  const nearest = new Float64Array(Math.min(neighbours, seeds.length));
  return (users) =>
    Float64Array.from(users, (user) => {
      products.fill(0);
      for (let i = offsets[user]!; i < offsets[user + 1]!; i++) {
        const token = tokens[i]!;
        const square = squares[token]!;
        for (let j = starts[token]!; j < starts[token + 1]!; j++) products[entries[j]!]! += square;
      }
      for (let s = 0; s < products.length; s++) products[s]! *= inverseNorms[s]!;
      return (inverseNorm(oneHot, squares, user) * sumOfLargest(products, nearest)) / nearest.length;
    });
}

/** 1 / the length of the user's vector; 0 if the user has no tokens. */
function inverseNorm({ offsets, tokens }: OneHot, squares: Float64Array, user: number): number {
  let sum = 0;
  for (let i = offsets[user]!; i < offsets[user + 1]!; i++) sum += squares[tokens[i]!]!;
  return sum === 0 ? 0 : 1 / Math.sqrt(sum);
}

/** For each token, the seeds that have it, as positions in `seeds`: `entries[starts[t] .. starts[t + 1]]`. */
function seedsByToken(
  { offsets, tokens, width }: OneHot,
  seeds: Int32Array,
): { starts: Int32Array; entries: Int32Array } {
  const starts = new Int32Array(width + 1);
  const visit = (of: (token: number, place: number) => void) =>
    seeds.forEach((seed, place) => {
      for (let i = offsets[seed]!; i < offsets[seed + 1]!; i++) of(tokens[i]!, place);
    });
  visit((token) => {
    starts[token + 1]!++;
  });
  for (let token = 0; token < width; token++) starts[token + 1]! += starts[token]!;
  const entries = new Int32Array(starts[width]!);
  const next = starts.slice();
  visit((token, place) => {
    entries[next[token]!++] = place;
  });
  return { starts, entries };
}

/**
 * The sum of the `heap.length` largest of the non-negative `values`. `heap` is working space for a heap with the
 * smallest value at its root.
 */
function sumOfLargest(values: Float64Array, heap: Float64Array): number {
  heap.fill(0);
  const size = heap.length;
  for (const value of values) {
    if (value <= heap[0]!) continue;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= size) break;
      if (child + 1 < size && heap[child + 1]! < heap[child]!) child++;
      if (heap[child]! >= value) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = value;
  }
  let sum = 0;
  for (const value of heap) sum += value;
  return sum;
}
