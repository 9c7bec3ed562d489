/** Overlaps of audiences: exact numbers, and ranges from which differencing learns nothing about one user. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { exactOverlap, type Overlap, type OverlapCounts, overlapRanges, wholeSteps } from '../../src/domain/overlap.ts';
import { createRng } from '../../src/lib/rng.ts';

const STEP = 10;
const USERS = 100;

/** The counts for the ranks of a cut, of users who are or are not in another audience. */
function countsOf(isOther: readonly boolean[], { from = 0, size }: { from?: number; size: number }): OverlapCounts {
  const both = isOther.slice(from, size).filter(Boolean).length;
  return { first: size - from, second: isOther.filter(Boolean).length, both };
}

/** The answers for every cut that begins at one of `starts`: neighbouring cuts differ by one user. */
function answersOf(isOther: readonly boolean[], starts: readonly number[], answer: typeof rangesOf): Overlap[] {
  return starts.flatMap((from) =>
    Array.from({ length: USERS - from }, (_, i) => answer(isOther, { from, size: from + i + 1 })),
  );
}

function rangesOf(isOther: readonly boolean[], cut: { from?: number; size: number }): Overlap {
  return overlapRanges(countsOf(isOther, wholeSteps({ ...cut, holdout: null }, STEP)), STEP);
}

describe('the overlap of two audiences', () => {
  it('is exact for operators', () => {
    const { both, either, jaccard } = exactOverlap({ first: 30, second: 20, both: 10 });
    expect({ both, either, jaccard }).toEqual({
      both: { min: 10, max: 10 },
      either: { min: 40, max: 40 },
      jaccard: { min: 0.25, max: 0.25 },
    });
    expect(exactOverlap({ first: 0, second: 0, both: 0 }).jaccard).toEqual({ min: 0, max: 0 });
  });

  it('is within its ranges', () => {
    const counts = fc
      .tuple(fc.nat(80), fc.nat(80), fc.nat(80))
      .map(([both, first, second]) => ({ both, first: both + first, second: both + second }));
    fc.assert(
      fc.property(counts, (given) => {
        const [exact, ranges] = [exactOverlap(given), overlapRanges(given, STEP)];
        for (const [name, { min, max }] of Object.entries(ranges)) {
          const { min: value } = exact[name as keyof Overlap];
          expect([name, min <= value && value <= max]).toEqual([name, true]);
        }
      }),
    );
  });

  it.each([
    [
      { first: 50, second: 90, both: 50 },
      { first: 50, second: 90, both: 40 },
    ],
    [
      { first: 50, second: 90, both: 9 },
      { first: 50, second: 90, both: 0 },
    ],
  ])('has the same ranges for %j and %j: all users or none are not told from nearly all or a few', (a, b) => {
    expect(overlapRanges(a, STEP)).toEqual(overlapRanges(b, STEP));
  });

  it('tells a caller with many cuts that differ by one user nothing about any user', () => {
    const rng = createRng('differencing');
    const isOther = Array.from({ length: USERS }, () => rng.integer(3) === 0);
    const starts = [0, 7, 50];
    // the attack on exact numbers finds every user
    const exact = answersOf(isOther, [0], (others, cut) => exactOverlap(countsOf(others, cut)));
    const found = exact.map(({ both }, i) => both.min > (exact[i - 1]?.both.min ?? 0));
    expect(found).toEqual(isOther);
    // all answers fit as well to a world in which the user is not where she is
    const answers = answersOf(isOther, starts, rangesOf);
    for (let user = 0; user < USERS; user++) {
      const start = user - (user % STEP);
      const twin = isOther.findIndex((is, i) => i >= start && i < start + STEP && is !== isOther[user]);
      expect(twin).toBeGreaterThanOrEqual(0);
      const swapped = isOther.with(user, isOther[twin]!).with(twin, isOther[user]!);
      expect(answersOf(swapped, starts, rangesOf)).toEqual(answers);
    }
  });
});
