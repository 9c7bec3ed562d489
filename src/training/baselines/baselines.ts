/**
 * The interface of baselines, and the simplest ones: `random`, `centroid` (distance to the seeds' centroid) and
 * `naive_bayes`, which compares how common tokens are among the seeds and in the population.
 */
import { assert } from '../../lib/errors.ts';
import type { Rng } from '../../lib/rng.ts';
import { type OneHot, tokenFrequencies, tokensAlone } from '../history/one-hot.ts';
import type { Reach } from '../history/reach.ts';

/** Returns the scores of the given user numbers, in their order. A higher score means more similar. */
export type Scorer = (users: Int32Array) => Float64Array;

/** A method's settings by name. */
export type Setting = Readonly<Record<string, number>>;

/** A look-alike method without a general model. Its setting is chosen on train campaigns (see `chooseSetting`). */
export interface TunableMethod<S extends Setting = Setting> {
  /** The method's name in the report of an evaluation. */
  readonly name: string;
  /** The settings to try; empty if there is no setting. If several are equally good, the first one is chosen. */
  readonly grid: readonly S[];
  /** The setting to use if no setting can be tried. */
  readonly fallback: S;
  /**
   * Returns a scorer per setting, in the order of the settings. All scorers use the same random numbers. `seeds` are
   * user numbers; order and repetition do not matter. Seeds that are not in the population version are ignored, but at
   * least one must be in it. A method that compares seeds with other users draws these users from `reach` or, by
   * default, from all users.
   */
  scorers(seeds: Int32Array, rng: Rng, settings: readonly S[], reach?: Reach): Iterable<Scorer>;
}

/** Returns the scorer of one setting. */
export function scorerOf<S extends Setting>(method: TunableMethod<S>, setting: S, seeds: Int32Array, rng: Rng): Scorer {
  const [scorer] = method.scorers(seeds, rng, [setting]);
  assert(scorer !== undefined, `${method.name} has no scorer`);
  return scorer;
}

/** A random score that depends only on the stream and the user number. */
export function randomBaseline(): TunableMethod {
  return {
    name: 'random',
    grid: [],
    fallback: {},
    *scorers(_seeds, rng) {
      const key = rng.uint32();
      yield (users) => Float64Array.from(users, (user) => mix(user, key) / 4294967296);
    },
  };
}

/**
 * Cosine similarity between a user's TF-IDF vector and the mean of the seeds' vectors. TF is 1 (tokens are a set), IDF
 * is ln((1 + n) / (1 + df)) + 1, and vectors are scaled to length 1 before they are averaged. A user without tokens
 * scores 0.
 */
export function centroidBaseline(all: OneHot): TunableMethod {
  const oneHot = tokensAlone(all);
  const idf = inverseFrequencies(oneHot);
  const { offsets, tokens, width } = oneHot;
  const norm = (user: number): number => {
    let square = 0;
    for (let i = offsets[user]!; i < offsets[user + 1]!; i++) square += idf[tokens[i]!]! ** 2;
    return Math.sqrt(square);
  };
  return {
    name: 'centroid',
    grid: [],
    fallback: {},
    *scorers(seeds) {
      const centroid = new Float64Array(width);
      for (const user of presentSeeds(oneHot, seeds)) {
        const length = norm(user);
        for (let i = offsets[user]!; i < offsets[user + 1]!; i++) centroid[tokens[i]!]! += idf[tokens[i]!]! / length;
      }
      let square = 0;
      for (const x of centroid) square += x * x;
      const centroidLength = Math.sqrt(square);
      for (let t = 0; t < width; t++) centroid[t]! *= idf[t]!;
      yield (users) =>
        Float64Array.from(users, (user) => {
          const length = norm(user) * centroidLength;
          return length === 0 ? 0 : sumOfTokens(centroid, oneHot, user) / length;
        });
    },
  };
}

/**
 * The seeds that are in the population version, without repeats, ascending, so that later random numbers depend only on
 * the set of seeds.
 */
export function presentSeeds(oneHot: OneHot, seeds: Int32Array): Int32Array {
  const wanted = new Set(seeds);
  const present = oneHot.users.filter((user) => wanted.has(user));
  assert(present.length > 0, 'no seed is in the population');
  return present;
}

/** The sum of `weights`, `[width]`, over the tokens of `user`. */
export function sumOfTokens(weights: Float64Array, oneHot: OneHot, user: number): number {
  let sum = 0;
  const { offsets, tokens, values } = oneHot;
  for (let i = offsets[user]!; i < offsets[user + 1]!; i++) sum += weights[tokens[i]!]! * (values ? values[i]! : 1);
  return sum;
}

/** ln((1 + users) / (1 + df_t)) + 1 of each token. */
export function inverseFrequencies(oneHot: OneHot): Float64Array {
  const users = oneHot.users.length;
  return Float64Array.from(tokenFrequencies(oneHot), (df) => Math.log((1 + users) / (1 + df)) + 1);
}

/** A 32-bit hash of a user number (MurmurHash3's finaliser). */
function mix(user: number, key: number): number {
  let h = (user ^ key) >>> 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

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
