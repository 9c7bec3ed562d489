/** The role of each user of a population in an expansion, and whether there are enough users for an audience. */
import { counted } from '../lib/text/counted.ts';
import type { NumberRange } from './features.ts';
import type { Excluded, Reason } from './types.ts';

/**
 * The mark of a user who is in one of an expansion's sets. If two marks apply to a user, the higher mark counts, so set
 * the marks in ascending order.
 */
export const MARK = { none: 0, seed: 2, dismissed: 3, suppressed: 4 } as const;

const { none: CANDIDATE, dismissed: DISMISSED, seed: SEED, suppressed: SUPPRESSED } = MARK;
const FILTERED = 1;
const SEED_OUTSIDE = 5;
const DISMISSED_OUTSIDE = 6;

/** For each mark, the role of a user with this mark who does not pass the filters. */
const OUTSIDE: Readonly<Record<number, number>> = {
  [CANDIDATE]: FILTERED,
  [DISMISSED]: DISMISSED_OUTSIDE,
  [SEED]: SEED_OUTSIDE,
  [SUPPRESSED]: SUPPRESSED,
};

/**
 * Rows of a population by role, ascending. Every row is in exactly one of `seeds`, `suppressed`, `filtered` and
 * `candidates`; dismissed users are candidates or filtered.
 */
export interface Roles {
  readonly seeds: Int32Array;
  /** The weight of each seed, with mean 1; absent if all seeds have the same weight. */
  readonly seedWeights?: Float32Array;
  readonly suppressed: Int32Array;
  readonly filtered: Int32Array;
  readonly candidates: Int32Array;
  readonly dismissed: Int32Array;
  /** Rows of seeds who do not pass the filters. */
  readonly seedsOutside: Int32Array;
  /** Rows of dismissed users who do not pass the filters. */
  readonly dismissedOutside: Int32Array;
}

/**
 * Computes the role of each user. Suppression takes precedence over dismissal, dismissal over seeds, and seeds over
 * filters, so seeds need not pass the filters. `filtered` is 1 for each row that does not pass the filters. `marks`
 * contains each row's mark, which is replaced by its role.
 */
export function assignRoles(filtered: Uint8Array, marks: Uint8Array): Roles {
  for (let row = 0; row < marks.length; row++) if (filtered[row] === 1) marks[row] = OUTSIDE[marks[row]!]!;
  return {
    seeds: select(marks, (role) => role === SEED || role === SEED_OUTSIDE),
    suppressed: select(marks, (role) => role === SUPPRESSED),
    filtered: select(marks, (role) => role === FILTERED || role === DISMISSED_OUTSIDE),
    candidates: select(marks, (role) => role === CANDIDATE || role === DISMISSED),
    dismissed: select(marks, (role) => role === DISMISSED),
    seedsOutside: select(marks, (role) => role === SEED_OUTSIDE),
    dismissedOutside: select(marks, (role) => role === DISMISSED_OUTSIDE),
  };
}

/**
 * Scales weights to mean 1, because only their ratios matter. Returns undefined if all are equal; the audience is then
 * the same as without weights.
 */
export function relativeWeights(weights: Float64Array): Float32Array | undefined {
  if (weights.every((weight) => weight === weights[0])) return undefined;
  const mean = weights.reduce((sum, weight) => sum + weight, 0) / weights.length;
  return Float32Array.from(weights, (weight) => weight / mean);
}

/** Whether a number from a population (a float32) is within a range. A missing number (NaN) is never within a range. */
export function rangeTest({ min, max }: NumberRange): (value: number) => boolean {
  const least = Math.fround(min ?? Number.NEGATIVE_INFINITY);
  const greatest = Math.fround(max ?? Number.POSITIVE_INFINITY);
  return (value) => value >= least && value <= greatest;
}

/** The number of users with each role. */
export function countExcluded({ seeds, suppressed, filtered }: Roles): Excluded {
  return { seeds: seeds.length, suppressed: suppressed.length, filtered: filtered.length };
}

/** Why an expansion ends without an audience. */
export interface Shortfall {
  readonly kind: 'too_small' | 'failed';
  readonly reason: Reason;
}

/**
 * Returns why there are not enough users for an audience; `null` if there are. `outside` is the number of seeds who are
 * not in the population but were sent with features.
 */
export function findShortfall(
  roles: Roles,
  populationSize: number,
  minimumSeeds: number,
  outside = 0,
): Shortfall | null {
  const known = roles.seeds.length;
  if (known + outside < minimumSeeds) {
    const message = describeTooFew({ known, outside, minimum: minimumSeeds }, NOT_EXCLUDED);
    const facts = outside === 0 ? { known } : { known, outside };
    return { kind: 'too_small', reason: { code: 'too_few_seeds', message, ...facts, minimum: minimumSeeds } };
  }
  if (roles.candidates.length > 0) return null;
  const message = 'every user of the population is a seed, suppressed or filtered out';
  const facts = { population: populationSize, ...countExcluded(roles) };
  return { kind: 'failed', reason: { code: 'no_candidates', message, ...facts } };
}

/** Describes the known seeds that an expansion uses. */
export const NOT_EXCLUDED = 'in the population and neither suppressed nor negatives';

/**
 * Says that there are too few seeds. `what` describes the `known` seeds. The `outside` seeds have features and are not
 * in the population.
 */
export function describeTooFew(
  { known, outside, minimum }: { readonly known: number; readonly outside: number; readonly minimum: number },
  what: string,
): string {
  const others = outside === 0 ? '' : `, and ${counted(outside, 'other has', 'others have')} features`;
  return `${known} of the seeds are ${what}${others}; at least ${minimum} are needed`;
}

function select(roles: Uint8Array, isWanted: (role: number) => boolean): Int32Array {
  const out = new Int32Array(roles.length);
  let count = 0;
  for (let row = 0; row < roles.length; row++) if (isWanted(roles[row]!)) out[count++] = row;
  return out.slice(0, count);
}
