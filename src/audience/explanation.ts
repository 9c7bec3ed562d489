/**
 * Explains an audience: for each user feature, the tokens (or bands of numbers) that are more or less frequent in the
 * audience than in the population.
 */

import type { Feature } from '../dataset/features.ts';
import { untilRead } from '../domain/ports/blobs.ts';
import type { Code, UserNumber } from '../lib/brands.ts';
import { columnOf, hasTokens } from '../lib/feature-kinds.ts';
import { isTokenColumn, type Population, type Rows } from '../population/read.ts';
import { associate } from './association.ts';
import { isInside } from './cut.ts';
import type { Side } from './diff.ts';
import { type Disparity, disparityOf } from './disparity.ts';
import { type NumberEvidence, NumberMeans } from './number-means.ts';
import { MEMBER, SEED, TokenCounts } from './token-counts.ts';
import { openValueGroups, type ValueGroups } from './value-groups.ts';

export type ExplainedPopulation = Pick<
  Population,
  'features' | 'rowCount' | 'segmentCount' | 'readSegment' | 'readRows' | 'dictionary'
>;

export interface ExplanationLimits {
  /** Maximum number of tokens per feature. */
  readonly tokens: number;
  /** A group of a sensitive feature is compared only if it has at least this many users in the population. */
  readonly minimumGroupUsers: number;
  /** A sensitive feature whose disparity ratio is below this percentage gets a warning. */
  readonly minimumDisparityPercent: number;
}

/** A number of users in a group (audience, population or seeds), and their share of the group. */
interface Share {
  readonly count: number;
  /** The count divided by the size of the group; 0 if the group is empty. */
  readonly share: number;
}

export interface TokenEvidence {
  /** The token; null for users without a value or with an empty list. */
  readonly token: string | null;
  readonly audience: Share;
  readonly population: Share;
  /** The seeds who have the token; null if the seeds are unknown. */
  readonly seeds: Share | null;
  /** The lift (the share of the audience divided by the share of the population) and its 95 % interval. */
  readonly lift: { readonly estimate: number; readonly low: number; readonly high: number };
  /**
   * The difference from the count expected in a random audience, in standard deviations. Positive means
   * over-represented.
   */
  readonly z: number;
}

export interface FeatureExplanation {
  readonly feature: string;
  readonly kind: Feature['kind'];
  /** Number of distinct tokens in the population version, even if fewer are listed. */
  readonly tokenCount: number;
  /**
   * The tokens with the strongest evidence, ordered by |z| descending, count in the population descending, and code
   * ascending.
   */
  readonly tokens: readonly TokenEvidence[];
  /** The comparison of the feature's numbers; null for a feature with tokens. */
  readonly numbers: NumberEvidence | null;
  readonly sensitive: boolean;
  /**
   * The disparity; null if the feature is not sensitive, or has fewer than two groups that are large enough to compare.
   */
  readonly disparity: Disparity | null;
}

export interface Explanation {
  readonly populationSize: number;
  /** Number of members who are in the population version. */
  readonly audienceSize: number;
  readonly seedCount: number | null;
  readonly features: readonly FeatureExplanation[];
}

/** The seeds of an audience. */
export interface ExplainedSeeds {
  /** The user numbers of seeds in the population. */
  readonly numbers: ReadonlySet<UserNumber>;
  /** Seeds who are not in the population version but were sent with features; absent if there are none. */
  readonly rows?: Rows;
}

/**
 * Explains an audience in one pass over the population's segments. A pass takes seconds for a million users and should
 * run in a separate thread. `audience` must be from the same population version. `seeds` is null if the seeds are
 * unknown.
 * @throws AppError storage_failed, invalid_population
 */
export async function explain(
  population: ExplainedPopulation,
  audience: Pick<Side, 'ranking' | 'size'>,
  seeds: ExplainedSeeds | null,
  limits: ExplanationLimits,
): Promise<Explanation> {
  const groups = openValueGroups(population);
  const counts = groups.map(({ size }) => new TokenCounts(size));
  const means = population.features.map(({ kind, size = 1 }) => (hasTokens(kind) ? null : new NumberMeans(size)));
  let members = 0;
  let seedCount = 0;
  for (let segment = 0; segment < population.segmentCount; segment++) {
    const { userNumbers, columns } = population.readSegment(segment);
    const flags = await untilRead(() => flagRows(userNumbers, audience, seeds?.numbers));
    for (const flag of flags) {
      if (flag & MEMBER) members++;
      if (flag & SEED) seedCount++;
    }
    for (const [i, { name }] of population.features.entries()) {
      const column = columns.get(name)!;
      const codes = groups[i]!.codesOf(column);
      if (codes) counts[i]!.add(codes, flags);
      if (!isTokenColumn(column)) means[i]?.add(column, flags);
    }
  }
  const { rows } = seeds ?? {};
  for (const [i, { name }] of population.features.entries()) {
    const codes = rows && groups[i]!.codesOf(rows.columns.get(name)!);
    if (codes) counts[i]!.addSeeds(codes, rows.count);
  }
  const allSeeds = seeds === null ? null : seedCount + (rows?.count ?? 0);
  const wholes: Wholes = { users: population.rowCount, members, seeds: allSeeds };
  return {
    populationSize: wholes.users,
    audienceSize: members,
    seedCount: wholes.seeds,
    features: population.features.map((feature, i) => ({
      ...explainFeature(feature, groups[i]!, counts[i]!, wholes, limits),
      numbers: means[i]?.evidence(columnOf(feature.kind) === 'vector') ?? null,
    })),
  };
}

interface Wholes {
  readonly users: number;
  readonly members: number;
  readonly seeds: number | null;
}

function flagRows(
  userNumbers: Int32Array,
  { ranking, size }: Pick<Side, 'ranking' | 'size'>,
  seeds: ReadonlySet<UserNumber> | undefined,
): Uint8Array {
  const cut = ranking.cut(size);
  const scores = ranking.scoresOf(Uint32Array.from(userNumbers));
  return Uint8Array.from(userNumbers, (user, i) => {
    const member = isInside(cut, user, scores[i]!) ? MEMBER : 0;
    return seeds?.has(user) ? member | SEED : member;
  });
}

function explainFeature(
  { name, kind, sensitive = false }: Feature,
  groups: ValueGroups,
  counts: TokenCounts,
  { users, members, seeds }: Wholes,
  limits: ExplanationLimits,
): Omit<FeatureExplanation, 'numbers'> {
  const textOf = (code: Code) => (code === 0 ? null : groups.token(code));
  const associationOf = (code: Code) =>
    associate({ a: counts.audience[code]!, p: counts.population[code]!, members, users });
  const codes = codesOf(counts.population);
  const evidence = new Map(codes.map((code) => [code, Math.abs(associationOf(code).z)]));
  const best = codes
    .sort((a, b) => evidence.get(b)! - evidence.get(a)! || counts.population[b]! - counts.population[a]! || a - b)
    .slice(0, limits.tokens);
  const tokens = best.map((code) => {
    const { lift, low, high, z } = associationOf(code);
    return {
      token: textOf(code),
      audience: shareOf(counts.audience[code]!, members),
      population: shareOf(counts.population[code]!, users),
      seeds: seeds === null ? null : shareOf(counts.seeds[code]!, seeds),
      lift: { estimate: lift, low, high },
      z,
    };
  });
  const tokenCount = codes.length - (counts.population[0]! > 0 ? 1 : 0);
  const disparity = sensitive ? disparityOf(counts, groups, limits) : null;
  return { feature: name, kind, tokenCount, tokens, sensitive, disparity };
}

function shareOf(count: number, whole: number): Share {
  return { count, share: whole === 0 ? 0 : count / whole };
}

/** The codes that at least one user has. A dictionary may contain many more codes. */
function codesOf(population: Uint32Array): number[] {
  const codes: Code[] = [];
  for (let code = 0; code < population.length; code++) if (population[code]! > 0) codes.push(code);
  return codes;
}
