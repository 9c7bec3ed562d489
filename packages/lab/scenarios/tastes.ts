/** Hidden tastes of users, the tokens that reveal them, and the aims of campaigns. */
import { firstAbove, type Rng } from '../../../src/lib/rng.ts';

/** Tastes of all users: approximately standard normal, similar within a crowd. */
export interface Tastes {
  readonly users: number;
  readonly count: number;
  /** `[users, count]` */
  readonly values: Float64Array;
}

/**
 * Users belong to hidden crowds of about equal size; `alike` is the share of a taste's variance that a crowd has in
 * common.
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

/** Tokens in topics: a topic is sampled by taste, a token within its topic by popularity alone. */
export interface Vocabulary {
  /** `[topics][tokens]`, the most popular first. */
  readonly tokens: readonly (readonly string[])[];
  /** `[topics, tastes]` */
  readonly vectors: Float64Array;
  /** `[topics]`, log of how common a topic is. */
  readonly popularity: Float64Array;
  /** `[tokens]`, cumulative probability within a topic. */
  readonly cumulative: Float64Array;
}

/** Creates `perTopic` tokens `<name>-<topic>-<place>` for each topic; the i-th one is sampled with P ~ i^-zipf. */
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
 * Up to `count` distinct tokens, each from a topic sampled with P ~ exp(popularity + sharpness * vector . taste), or,
 * with probability `atRandom`, from any topic. `taste` is `[tastes]`.
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

/** One token of a single-valued feature; null (unknown) with probability `missing`. */
export function sampleToken(
  rng: Rng,
  vocabulary: Vocabulary,
  taste: ArrayLike<number>,
  { missing = 0.05, sharpness = 1.5 }: { readonly missing?: number; readonly sharpness?: number } = {},
): string | null {
  const [token] = sampleTokens(rng, vocabulary, taste, { sharpness });
  return rng.uniform() < missing ? null : token!;
}

/** A whole number in [low, high], small ones more often: the smaller of two uniform draws. */
export function sampleAmount(rng: Rng, low: number, high: number): number {
  const one = rng.integer(high - low + 1);
  return low + Math.min(one, rng.integer(high - low + 1));
}

/** A user's tastes: a view of `[count]`. */
export function tasteOf({ values, count }: Tastes, user: number): Float64Array {
  return values.subarray(user * count, (user + 1) * count);
}

/** A campaign's aim, `[tastes]`: mostly one taste, to a lesser degree a second one, and a little of every other. */
export function sampleAim(rng: Rng, tastes: number): Float64Array {
  const aim = Float64Array.from({ length: tastes }, () => 0.35 * rng.normal());
  aim[rng.integer(tastes)]! += 1;
  aim[rng.integer(tastes)]! += 0.6;
  return aim;
}

/** aim . taste of every user: `[users]`. */
export function likingOf(tastes: Tastes, aim: ArrayLike<number>): Float64Array {
  return Float64Array.from({ length: tastes.users }, (_, user) => project(tastes.values, user, aim));
}

/**
 * The part of a campaign's aim that its own features reveal: its strongest taste as category (random in one of eight
 * campaigns).
 */
export function categoryOf(rng: Rng, aim: Float64Array): string {
  const strongest = rng.uniform() < 1 / 8 ? rng.integer(aim.length) : aim.indexOf(Math.max(...aim));
  return `category-${strongest}`;
}

/** Row i of `vectors` . `by` */
function project(vectors: Float64Array, i: number, by: ArrayLike<number>): number {
  let sum = 0;
  for (let t = 0; t < by.length; t++) sum += vectors[i * by.length + t]! * by[t]!;
  return sum;
}
