/** Generates hidden tastes of users, the tokens that reveal these tastes, and the aims of campaigns. */
import { firstAbove, type Rng } from '../../../src/lib/rng.ts';

/** The tastes of all users, which are approximately standard normal and similar within a crowd. */
export interface Tastes {
  readonly users: number;
  readonly count: number;
  /** The tastes, `[users, count]`. */
  readonly values: Float64Array;
}

/**
 * Draws the tastes of users in hidden crowds of about equal size. `alike` is the share of a taste's variance that users
 * of a crowd have in common.
 */
export function sampleTastes(
  rng: Rng,
  users: number,
  { count, crowds = 8, alike = 0.4 }: { readonly count: number; readonly crowds?: number; readonly alike?: number },
): Tastes {
  const centres = Float64Array.from({ length: crowds * count }, () => Math.sqrt(alike) * rng.normal());
  const values = new Float64Array(users * count);
  for (let user = 0; user < users; user++) {
    const crowd = rng.integer(crowds);
    for (let t = 0; t < count; t++)
      values[user * count + t] = centres[crowd * count + t]! + Math.sqrt(1 - alike) * rng.normal();
  }
  return { users, count, values };
}

/**
 * A vocabulary of tokens in topics. A topic is sampled according to taste; a token within a topic is sampled according
 * to popularity alone.
 */
export interface Vocabulary {
  /** The tokens of each topic, `[topics][tokens]`, most popular first. */
  readonly tokens: readonly (readonly string[])[];
  /** The vector of each topic, `[topics, tastes]`. */
  readonly vectors: Float64Array;
  /** The log frequency of each topic, `[topics]`. */
  readonly popularity: Float64Array;
  /** The cumulative probability of tokens within a topic, `[tokens]`. */
  readonly cumulative: Float64Array;
}

/**
 * Creates a vocabulary with `perTopic` tokens `<name>-<topic>-<place>` for each topic. The i-th token of a topic is
 * sampled with P ~ i^-zipf.
 */
export function plantVocabulary(
  rng: Rng,
  tastes: number,
  options: { readonly name: string; readonly topics: number; readonly perTopic?: number; readonly zipf?: number },
): Vocabulary {
  const { name, topics, perTopic = 1, zipf = 1 } = options;
  const cumulative = Float64Array.from({ length: perTopic }, (_, i) => (i + 1) ** -zipf);
  for (let i = 1; i < perTopic; i++) cumulative[i]! += cumulative[i - 1]!;
  return {
    tokens: Array.from({ length: topics }, (_, topic) =>
      Array.from({ length: perTopic }, (_, i) => (perTopic === 1 ? `${name}-${topic}` : `${name}-${topic}-${i}`)),
    ),
    vectors: Float64Array.from({ length: topics * tastes }, () => rng.normal() / Math.sqrt(tastes)),
    popularity: Float64Array.from({ length: topics }, () => 0.5 * rng.normal()),
    cumulative: cumulative.map((x) => x / cumulative[perTopic - 1]!),
  };
}

/**
 * Samples up to `count` distinct tokens. The topic of each token is sampled with P ~ exp(popularity + sharpness *
 * vector . taste) or, with probability `atRandom`, uniformly. `taste` is `[tastes]`.
 */
export function sampleTokens(
  rng: Rng,
  { tokens, vectors, popularity, cumulative }: Vocabulary,
  taste: ArrayLike<number>,
  {
    count = 1,
    sharpness = 1.5,
    atRandom = 0.1,
  }: { readonly count?: number; sharpness?: number; atRandom?: number } = {},
): string[] {
  const weights = popularity.map((log, topic) => Math.exp(log + sharpness * project(vectors, topic, taste)));
  for (let topic = 1; topic < weights.length; topic++) weights[topic]! += weights[topic - 1]!;
  const total = weights[weights.length - 1]!;
  const sampled = new Set<string>();
  for (let i = 0; i < count; i++) {
    const topic = rng.uniform() < atRandom ? rng.integer(tokens.length) : firstAbove(weights, rng.uniform() * total);
    sampled.add(tokens[topic]![firstAbove(cumulative, rng.uniform())]!);
  }
  return [...sampled];
}

/** Samples the token of a single-valued feature, or null (unknown) with probability `missing`. */
export function sampleToken(
  rng: Rng,
  vocabulary: Vocabulary,
  taste: ArrayLike<number>,
  { missing = 0.05, sharpness = 1.5 }: { readonly missing?: number; readonly sharpness?: number } = {},
): string | null {
  const [token] = sampleTokens(rng, vocabulary, taste, { sharpness });
  return rng.uniform() < missing ? null : token!;
}

/**
 * Samples a whole number in [low, high]. The result is the smaller of two uniform draws, so small numbers are more
 * frequent.
 */
export function sampleAmount(rng: Rng, low: number, high: number): number {
  const one = rng.integer(high - low + 1);
  return low + Math.min(one, rng.integer(high - low + 1));
}

/** Returns a view of a user's tastes, `[count]`. */
export function tasteOf({ values, count }: Tastes, user: number): Float64Array {
  return values.subarray(user * count, (user + 1) * count);
}

/**
 * Samples the aim of a campaign, `[tastes]`: mainly one taste, less of a second taste, and a little of every other
 * taste.
 */
export function sampleAim(rng: Rng, tastes: number): Float64Array {
  const aim = Float64Array.from({ length: tastes }, () => 0.35 * rng.normal());
  aim[rng.integer(tastes)]! += 1;
  aim[rng.integer(tastes)]! += 0.6;
  return aim;
}

/** Returns aim . taste for each user, `[users]`. */
export function likingOf(tastes: Tastes, aim: ArrayLike<number>): Float64Array {
  return Float64Array.from({ length: tastes.users }, (_, user) => project(tastes.values, user, aim));
}

/**
 * Returns the category of a campaign, which reveals the strongest taste in the campaign's aim. In one of eight
 * campaigns, the category is random.
 */
export function categoryOf(rng: Rng, aim: Float64Array): string {
  const strongest = rng.uniform() < 1 / 8 ? rng.integer(aim.length) : aim.indexOf(Math.max(...aim));
  return `category-${strongest}`;
}

/** Returns the dot product of `by` and row i of `vectors`. */
function project(vectors: Float64Array, i: number, by: ArrayLike<number>): number {
  let sum = 0;
  for (let t = 0; t < by.length; t++) sum += vectors[i * by.length + t]! * by[t]!;
  return sum;
}
