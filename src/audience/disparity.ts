/** Compares the rates at which an audience selects users from the groups of a sensitive feature (four-fifths rule). */
import type { Code } from '../lib/brands.ts';
import type { TokenCounts } from './token-counts.ts';

export interface DisparityLimits {
  /** A group is compared only if it has at least this many users in the population. */
  readonly minimumGroupUsers: number;
  /** A disparity ratio below this percentage gets a warning. */
  readonly minimumDisparityPercent: number;
}

/** The size of a group in the population and in the audience. */
export interface GroupRate {
  readonly token: string;
  readonly population: number;
  readonly audience: number;
  /** The number of the group's users in the audience divided by the number of its users in the population. */
  readonly rate: number;
}

export interface Disparity {
  /**
   * The lowest selection rate divided by the highest; 1 means that all rates are equal. null if no group has a member.
   */
  readonly ratio: number | null;
  readonly lowest: GroupRate;
  readonly highest: GroupRate;
  /** Number of groups that were large enough to be compared. */
  readonly groups: number;
  readonly warning: boolean;
}

/**
 * Compares the tokens that at least `minimumGroupUsers` users in the population have. Users without a value are
 * ignored. Returns null if there are fewer than two such tokens.
 */
export function disparityOf(
  counts: Pick<TokenCounts, 'population' | 'audience'>,
  groupNames: { token(code: Code): string },
  { minimumGroupUsers, minimumDisparityPercent }: DisparityLimits,
): Disparity | null {
  const groups = [...counts.population.keys()].filter(
    (code) => code > 0 && counts.population[code]! >= Math.max(1, minimumGroupUsers),
  );
  if (groups.length < 2) return null;
  const rateOf = (code: Code) => counts.audience[code]! / counts.population[code]!;
  const byRate = groups.sort((a, b) => rateOf(a) - rateOf(b) || a - b);
  const describe = (code: Code): GroupRate => ({
    token: groupNames.token(code),
    population: counts.population[code]!,
    audience: counts.audience[code]!,
    rate: rateOf(code),
  });
  const lowest = describe(byRate[0]!);
  const highest = describe(byRate.at(-1)!);
  const ratio = highest.rate === 0 ? null : lowest.rate / highest.rate;
  return {
    ratio,
    lowest,
    highest,
    groups: groups.length,
    warning: ratio !== null && 100 * ratio < minimumDisparityPercent,
  };
}
