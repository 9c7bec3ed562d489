/** The overlap of two audiences, as exact counts or as ranges that do not reveal single users. */
import type { Treated } from './hold-out.ts';

/** Numbers of users in two audiences and in both of them. */
export interface OverlapCounts {
  readonly first: number;
  readonly second: number;
  readonly both: number;
}

/** Inclusive bounds of a value. If they are equal, the value is exact. */
export interface Bounds {
  readonly min: number;
  readonly max: number;
}

export type Overlap = Readonly<Record<'first' | 'second' | 'both' | 'either' | 'jaccard', Bounds>>;

/**
 * Rounds the ranks of a cut down to whole steps before ranges are computed. Then no two cuts of a ranking differ by
 * fewer than `step` users.
 */
export function wholeSteps({ from = 0, size, holdout }: Treated, step: number): Treated {
  return { from: floorTo(from, step), size: floorTo(size, step), holdout };
}

/** The exact overlap. The Jaccard index of two empty audiences is 0. */
export function exactOverlap({ first, second, both }: OverlapCounts): Overlap {
  const either = first + second - both;
  return {
    first: exactly(first),
    second: exactly(second),
    both: exactly(both),
    either: exactly(either),
    jaccard: exactly(both / Math.max(1, either)),
  };
}

/**
 * The overlap as ranges of `step` users. The bounds are the same for every pair of audiences. If they depended on the
 * pair, a caller could narrow a count down with copies of a campaign. The last range of an overlap is wider, so it does
 * not reveal whether the larger audience contains the whole smaller one.
 */
export function overlapRanges({ first, second, both }: OverlapCounts, step: number): Overlap {
  const sizes = [rangeOf(first, step), rangeOf(second, step)] as const;
  const smaller = sizes[0].min < sizes[1].min ? sizes[0] : sizes[1];
  const lastMin = Math.max(0, smaller.min - step);
  const common = both < lastMin ? rangeOf(both, step) : { min: lastMin, max: smaller.max };
  // the rest depends on the ranges only, never on the counts
  const [a, b] = sizes;
  const either = {
    min: Math.max(a.min, b.min, a.min + b.min - common.max),
    max: a.max + b.max - common.min,
  };
  const jaccard = {
    min: common.min / Math.max(1, either.max),
    max: Math.min(1, common.max / Math.max(1, either.min)),
  };
  return { first: a, second: b, both: common, either, jaccard };
}

function rangeOf(count: number, step: number): Bounds {
  const min = floorTo(count, step);
  return { min, max: min + step - 1 };
}

function floorTo(value: number, step: number): number {
  return Math.floor(value / step) * step;
}

function exactly(value: number): Bounds {
  return { min: value, max: value };
}
